import { Utils } from '@kinvolk/headlamp-plugin/lib';
import { Button } from '@mui/material';
import { useNow } from '../hooks/useNow.ts';
import { useText } from '../hooks/useText.ts';
import { describeFailure, type ListFailure } from '../model/listFailure.ts';
import { Notice } from './Notice.tsx';

export interface FailureNoticeProps {
  failure: ListFailure;
  /** When the list below was current; epoch milliseconds. */
  loadedAtMs: number | undefined;
  onRetry: () => void;
}

/** Says why there is no newer list, what to do, and what the list below is worth. */
export function FailureNotice({ failure, loadedAtMs, onRetry }: FailureNoticeProps) {
  const { t } = useText();
  useNow();
  const { title, advice } = describeFailure(failure);
  const retry = (
    <Button color="inherit" size="small" variant="outlined" onClick={onRetry}>
      {t('Try again')}
    </Button>
  );
  return (
    <Notice severity={failure === 'signed-out' ? 'neutral' : 'error'} title={t(title)} action={retry}>
      {t(advice)}{' '}
      {loadedAtMs === undefined
        ? t('Until then only the clusters that the dashboard knows by itself are shown, without their state.')
        : t('The list below is what was known {{age}} ago.', { age: Utils.timeAgo(loadedAtMs) })}
    </Notice>
  );
}
