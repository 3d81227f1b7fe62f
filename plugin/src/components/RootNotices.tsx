import { Utils } from '@kinvolk/headlamp-plugin/lib';
import { Box } from '@mui/material';
import { useText } from '../hooks/useText.ts';
import { CRD_COMMAND, type RootNotice } from '../model/rootNotices.ts';
import { Notice } from './Notice.tsx';

/** Says which roots the list lacks, and what to do about each. */
export function RootNotices({ notices }: { notices: readonly RootNotice[] }) {
  return notices.map((notice) => <OneNotice key={notice.root} notice={notice} />);
}

function OneNotice({ notice }: { notice: RootNotice }) {
  const { t } = useText();
  const { root } = notice;
  switch (notice.kind) {
    case 'starting':
      return <Notice severity="progress" title={t('The inventory of {{root}} is being read.', { root })} />;
    case 'no-crd':
      return (
        <Notice severity="warning" title={t('The hub {{root}} has no ClusterProfile API.', { root })}>
          {t('Install it with this command. We look again every 30 seconds.')}
          <Box component="pre" tabIndex={0} sx={{ m: 0, mt: 1, overflowX: 'auto' }}>
            {CRD_COMMAND}
          </Box>
        </Notice>
      );
    case 'failing': {
      const title =
        notice.since === undefined
          ? t('The inventory of {{root}} cannot be read.', { root })
          : t('The inventory of {{root}} could last be read {{age}} ago.', {
              root,
              age: Utils.timeAgo(notice.since),
            });
      return (
        <Notice severity="error" title={title}>
          {notice.message}
        </Notice>
      );
    }
    case 'empty':
      return (
        <Notice
          severity="neutral"
          title={
            notice.namespaces.includes('*')
              ? t('{{root}} has no ClusterProfile that you may see.', { root })
              : t('{{root}} has no ClusterProfile that you may see in the namespaces {{namespaces}}.', {
                  root,
                  namespaces: notice.namespaces.join(', '),
                })
          }
        />
      );
  }
}
