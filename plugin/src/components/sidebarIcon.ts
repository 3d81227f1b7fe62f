/** Icon data, not the name of an icon: nothing is fetched for it (UI-24). */
export const SIDEBAR_ICON = {
  width: 24,
  height: 24,
  body: '<path fill="currentColor" d="M6 2 2 4.3v4.6l4 2.3 4-2.3V4.3zm0 10.8L2 15.1v4.6L6 22l4-2.3v-4.6zM13 5h9v2h-9zm0 4h6v2h-6zm0 7h9v2h-9zm0 4h6v2h-6z"/>',
};
