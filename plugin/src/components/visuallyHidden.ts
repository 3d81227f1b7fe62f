/** For screen readers only. */
export const VISUALLY_HIDDEN = {
  border: 0,
  clipPath: 'inset(50%)',
  height: '1px',
  overflow: 'hidden',
  position: 'absolute',
  whiteSpace: 'nowrap',
  width: '1px',
} as const;
