import type { Fleet } from '../parts/fleet.ts';
import type { Progress } from '../parts/progress.ts';

const regions = ['eu-west-1', 'eu-north-1', 'us-east-1', 'us-west-2', 'ap-south-1'];
const teams = ['checkout', 'search', 'billing', 'media'];
const atOnce = 16;

/** Further profiles over the spokes that answer, as many as a large fleet has. */
export async function publishMore(fleet: Fleet, count: number, progress: Progress): Promise<void> {
  let next = 0;
  const publish = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) {
      if (index % 50 === 0) progress(`publishing ClusterProfiles: ${index} of ${count}`);
      const spoke = fleet.spokes[index % 2];
      if (!spoke) return;
      const team = teams[index % teams.length] ?? '';
      const name = `${team}-${regions[index % regions.length] ?? ''}-${String(index + 1).padStart(4, '0')}`;
      await fleet.publish(spoke, {
        access: index % 2 === 0 ? 'token' : 'certificate',
        name,
        displayName: name,
        labels: { team },
      });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, publish));
}
