import { SvgIcon } from '@mui/material';
import type { Severity } from '../model/states.ts';

/** Drawn here: Headlamp would fetch an icon that it does not bundle from a foreign origin (UI-24). */
const PATHS: Readonly<Record<Severity, string>> = {
  success: 'M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zm-1.6 14.4-4-4 1.5-1.5 2.5 2.5 5.7-5.7 1.5 1.5z',
  warning: 'M12 2.5 1 21.5h22zm1 16h-2v-2h2zm0-4h-2v-5h2z',
  error:
    'M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zm4.5 13.1-1.4 1.4-3.1-3.1-3.1 3.1-1.4-1.4 3.1-3.1-3.1-3.1 1.4-1.4 3.1 3.1 3.1-3.1 1.4 1.4-3.1 3.1z',
  neutral: 'M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zm5 11H7v-2h10z',
  progress:
    'M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zm-5 11.5a1.5 1.5 0 1 1 0-3 1.5 1.5 0 0 1 0 3zm5 0a1.5 1.5 0 1 1 0-3 1.5 1.5 0 0 1 0 3zm5 0a1.5 1.5 0 1 1 0-3 1.5 1.5 0 0 1 0 3z',
};

export function StateIcon({ severity }: { severity: Severity }) {
  return (
    <SvgIcon aria-hidden sx={{ fontSize: '1.15em', alignSelf: 'center' }}>
      <path d={PATHS[severity]} />
    </SvgIcon>
  );
}
