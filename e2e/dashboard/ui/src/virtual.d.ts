declare module 'virtual:headlamp-icons' {
  import type { IconifyJSON } from '@iconify/react';
  const collection: IconifyJSON;
  export default collection;
}
