import { Chip } from '@mui/material';
import { useText } from '../hooks/useText.ts';

const API_PAGE = 'https://github.com/kubernetes-sigs/cluster-inventory-api';

/** UI-25: the API of the inventory may still change. */
export function AlphaBadge() {
  const { t } = useText();
  return (
    <Chip
      clickable
      component="a"
      href={API_PAGE}
      label={t('Alpha')}
      rel="noopener noreferrer"
      size="small"
      target="_blank"
      title={t('The ClusterProfile API is in alpha and may change.')}
      sx={{ borderColor: 'text.secondary', color: 'text.primary' }}
      variant="outlined"
      aria-label={t('Alpha, about the ClusterProfile API (opens a new tab)')}
    />
  );
}
