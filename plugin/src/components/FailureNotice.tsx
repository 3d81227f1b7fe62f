import { Utils } from '@kinvolk/headlamp-plugin/lib';
import { Alert, AlertTitle, Button } from '@mui/material';
import { useNow } from '../hooks/useNow.ts';
import { useText } from '../hooks/useText.ts';
import { describeFailure, type ListFailure } from '../model/listFailure.ts';

export interface FailureNoticeProps {
  failure: ListFailure;
  /** When the list below was current; epoch milliseconds. */
  loadedAtMs: number | undefined;
  onRetry: () => void;
}

export function FailureNotice({ failure, loadedAtMs, onRetry }: FailureNoticeProps) {
  const { t } = useText();
  useNow();
  const { title, advice } = describeFailure(failure);
  const retry = (
    <Button color="inherit" size="small" onClick={onRetry}>
      {t('Try again')}
    </Button>
  );
  return (
    <Alert severity={failure === 'signed-out' ? 'info' : 'error'} action={retry} sx={{ mb: 2 }}>
      <AlertTitle>{t(title)}</AlertTitle>
      {t(advice)}{' '}
      {loadedAtMs === undefined
        ? t('Until then only the clusters that the dashboard knows by itself are shown, without their state.')
        : t('The list below is what was known {{age}} ago.', { age: Utils.timeAgo(loadedAtMs) })}
    </Alert>
  );
}
