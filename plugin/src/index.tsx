import { registerAppBarAction, registerRoute, registerSidebarEntry } from '@kinvolk/headlamp-plugin/lib';
import { ClusterInventoryPage } from './components/ClusterInventoryPage.tsx';
import { InventoryKeeper } from './components/InventoryKeeper.tsx';
import { SIDEBAR_ICON } from './components/sidebarIcon.ts';

const PATH = '/cluster-inventory';
const HOME_ENTRY = 'cluster-inventory';

registerSidebarEntry({
  sidebar: 'HOME',
  parent: null,
  name: HOME_ENTRY,
  label: 'Cluster Inventory',
  url: PATH,
  useClusterURL: false,
  icon: SIDEBAR_ICON,
});

// With exactly one cluster Headlamp leads past Home: the page is reached from inside a cluster too (UI-08).
registerSidebarEntry({
  sidebar: 'IN-CLUSTER',
  parent: null,
  name: 'cluster-inventory-in-cluster',
  label: 'Cluster Inventory',
  url: PATH,
  useClusterURL: false,
  icon: SIDEBAR_ICON,
});

registerRoute({
  path: PATH,
  exact: true,
  name: 'Cluster Inventory',
  useClusterURL: false,
  noAuthRequired: true,
  sidebar: { item: HOME_ENTRY, sidebar: 'HOME' },
  component: ClusterInventoryPage,
});

registerAppBarAction(InventoryKeeper);
