import { ApiProxy } from '@kinvolk/headlamp-plugin/lib';
import { createClustersClient } from './clustersClient.ts';
import { createFollowEvents } from './eventStream.ts';
import { createInventoryFeed } from './inventoryFeed.ts';

/** The list that everything of the plugin shares, by the requests of the Headlamp that it runs in. */
export const headlampFeed = createInventoryFeed({
  client: createClustersClient(ApiProxy.request),
  follow: createFollowEvents(ApiProxy.request),
});
