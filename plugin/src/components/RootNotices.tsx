import { Utils } from '@kinvolk/headlamp-plugin/lib';
import { Alert, AlertTitle, Box } from '@mui/material';
import { useText } from '../hooks/useText.ts';
import { CRD_COMMAND, type RootNotice } from '../model/rootNotices.ts';

/** Says which roots the list lacks, and what to do about each. */
export function RootNotices({ notices }: { notices: readonly RootNotice[] }) {
  return (
    <>
      {notices.map((notice) => (
        <RootAlert key={notice.root} notice={notice} />
      ))}
    </>
  );
}

function RootAlert({ notice }: { notice: RootNotice }) {
  const { t } = useText();
  const { root } = notice;
  switch (notice.kind) {
    case 'starting':
      return (
        <Alert severity="info" sx={{ mb: 2 }}>
          {t('The inventory of {{root}} is being read.', { root })}
        </Alert>
      );
    case 'no-crd':
      return (
        <Alert severity="warning" sx={{ mb: 2, '& .MuiAlert-message': { minWidth: 0 } }}>
          <AlertTitle>{t('The hub {{root}} has no ClusterProfile API.', { root })}</AlertTitle>
          {t('Install it with this command. We look again every 30 seconds.')}
          <Box component="pre" tabIndex={0} sx={{ m: 0, mt: 1, overflowX: 'auto' }}>
            {CRD_COMMAND}
          </Box>
        </Alert>
      );
    case 'failing':
      return (
        <Alert severity="error" sx={{ mb: 2, overflowWrap: 'anywhere' }}>
          <AlertTitle>
            {notice.since === undefined
              ? t('The inventory of {{root}} cannot be read.', { root })
              : t('The inventory of {{root}} could last be read {{age}} ago.', {
                  root,
                  age: Utils.timeAgo(notice.since),
                })}
          </AlertTitle>
          {notice.message}
        </Alert>
      );
    case 'empty':
      return (
        <Alert severity="info" sx={{ mb: 2 }}>
          {notice.namespaces.includes('*')
            ? t('{{root}} has no ClusterProfile that you may see.', { root })
            : t('{{root}} has no ClusterProfile that you may see in the namespaces {{namespaces}}.', {
                root,
                namespaces: notice.namespaces.join(', '),
              })}
        </Alert>
      );
  }
}
