import { Box, Typography } from '@mui/material';
import type { ReactNode } from 'react';
import type { Severity } from '../model/states.ts';
import { StateIcon } from './StateIcon.tsx';

export interface NoticeProps {
  severity: Severity;
  title: string;
  action?: ReactNode;
  children?: ReactNode;
}

/** A message above the list. The text has the page's own colour: Headlamp's themes leave MUI's alerts unreadable. */
export function Notice({ severity, title, action, children }: NoticeProps) {
  const colour = severity === 'error' || severity === 'warning' ? `${severity}.main` : 'text.secondary';
  return (
    <Box
      role={severity === 'error' ? 'alert' : 'status'}
      sx={{
        alignItems: 'flex-start',
        border: 1,
        borderColor: colour,
        borderRadius: 1,
        display: 'flex',
        flexWrap: 'wrap',
        gap: 1,
        mb: 2,
        px: 2,
        py: 1.5,
      }}
    >
      <Box sx={{ color: colour, display: 'flex', fontSize: '1.25rem', pt: 0.25 }}>
        <StateIcon severity={severity} />
      </Box>
      <Box sx={{ flex: '1 1 12rem', minWidth: 0, overflowWrap: 'anywhere' }}>
        <Typography component="p" sx={{ fontWeight: 'bold' }}>
          {title}
        </Typography>
        {children !== undefined && (
          <Typography component="div" variant="body2">
            {children}
          </Typography>
        )}
      </Box>
      {action}
    </Box>
  );
}
