import { Utils } from '@kinvolk/headlamp-plugin/lib';
import { StatusLabel } from '@kinvolk/headlamp-plugin/lib/CommonComponents';
import { Box, Typography } from '@mui/material';
import { useNow } from '../hooks/useNow.ts';
import { useText } from '../hooks/useText.ts';
import { shortenReason } from '../model/shortenReason.ts';
import { isFailing, type Severity } from '../model/states.ts';
import { StateIcon } from './StateIcon.tsx';

export interface StateLabelProps {
  word: string;
  severity: Severity;
  /** Shown below while the state is a failing one. */
  message?: string | undefined;
  /** RFC 3339 */
  since?: string | undefined;
  stale?: { readonly since?: string } | undefined;
}

/** A state as icon, colour and text; the reason of a failing one stands below it as text (UI-16). */
export function StateLabel({ word, severity, message, since, stale }: StateLabelProps) {
  const { t } = useText();
  useNow();
  const isColoured = severity === 'success' || isFailing(severity);
  const age = since === undefined ? undefined : Utils.timeAgo(since);
  return (
    <Box sx={{ display: 'flex', flexDirection: 'column', alignItems: 'flex-start', gap: 0.5, minWidth: 0 }}>
      <StatusLabel status={isColoured ? severity : ''} sx={{ maxWidth: '100%', whiteSpace: 'normal' }}>
        <StateIcon severity={severity} />
        {t(word)}
      </StatusLabel>
      {isFailing(severity) && message !== undefined && message !== '' && (
        <Typography variant="body2" component="span" dir="auto" sx={{ overflowWrap: 'anywhere' }}>
          {shortenReason(message, age)}
        </Typography>
      )}
      {stale && (
        <Typography variant="body2" component="span" color="text.secondary">
          {stale.since === undefined
            ? t('Stale')
            : t('Stale for {{age}}', { age: Utils.timeAgo(stale.since) })}
        </Typography>
      )}
    </Box>
  );
}
