import { expect, it } from 'vitest';
import { parseOptions } from '../config/options.ts';
import { readOptionTexts } from '../config/readOptionTexts.ts';
import { CodedError } from '../foundation/errors.ts';
import { createTrafficPlaces, type PlaceWanted, type TrafficPlaces } from './trafficPlaces.ts';

const limits = { maxStreams: 4, maxStreamsPerCluster: 3, maxStreamsPerUser: 2, maxRequestsPerCluster: 2 };
const stream = (cluster: string, user?: string): PlaceWanted => ({ cluster, user, isStream: true });
const request = (cluster: string, user?: string): PlaceWanted => ({ cluster, user, isStream: false });

function refusalOf(places: TrafficPlaces, wanted: PlaceWanted): string | undefined {
  try {
    places.take(wanted)();
    return undefined;
  } catch (thrown) {
    return thrown instanceof CodedError ? thrown.code : String(thrown);
  }
}

it('PX-28: each limit holds by itself, and a place that is given back is free', () => {
  const places = createTrafficPlaces(limits);
  const anas = [places.take(stream('a', 'ana')), places.take(stream('b', 'ana'))];
  expect(refusalOf(places, stream('c', 'ana'))).toBe('too-many-streams-of-user');
  const bens = [places.take(stream('a', 'ben')), places.take(stream('a', 'ben'))];
  expect(refusalOf(places, stream('a', 'eve'))).toBe('too-many-streams-of-cluster');
  expect(refusalOf(places, stream('c', 'eve'))).toBe('too-many-streams-in-all');
  // Of somebody whom nobody is asked about the rest holds.
  expect(refusalOf(places, stream('a'))).toBe('too-many-streams-of-cluster');
  anas[1]?.();
  expect(refusalOf(places, stream('c', 'ana'))).toBeUndefined();
  expect(refusalOf(places, stream('a', 'eve'))).toBe('too-many-streams-of-cluster');
  bens[0]?.();
  expect(refusalOf(places, stream('a', 'eve'))).toBeUndefined();
});

it('PX-28: requests and streams have places of their own', () => {
  const places = createTrafficPlaces(limits);
  const taken = [places.take(request('a', 'ana')), places.take(request('a', 'ana'))];
  expect(refusalOf(places, request('a', 'ben'))).toBe('too-many-requests-of-cluster');
  expect(refusalOf(places, request('b', 'ana'))).toBeUndefined();
  expect(refusalOf(places, stream('a', 'ana'))).toBeUndefined();
  taken[0]?.();
  expect(refusalOf(places, request('a', 'ben'))).toBeUndefined();
});

it.each([stream('a', 'ana'), stream('a'), request('a')])(
  'PX-28: a place of %j that is given back twice is one place',
  (wanted) => {
    const places = createTrafficPlaces({
      maxStreams: 2,
      maxStreamsPerCluster: 2,
      maxStreamsPerUser: 2,
      maxRequestsPerCluster: 2,
    });
    const first = places.take(wanted);
    first();
    first();
    places.take(wanted);
    places.take(wanted);
    first();
    expect(refusalOf(places, wanted)).toMatch(/^too-many-/);
  },
);

it('PX-28: what is refused takes no place of anybody', () => {
  const places = createTrafficPlaces({ ...limits, maxStreams: 1 });
  const last = places.take(stream('a', 'ana'));
  for (let count = 0; count < 10; count++)
    expect(refusalOf(places, stream('b', 'ben'))).toBe('too-many-streams-in-all');
  last();
  expect(refusalOf(places, stream('b', 'ben'))).toBeUndefined();
});

it('PX-28: by default one user has 1,000 watches of one cluster, and others have more', () => {
  const line = readOptionTexts(['--cluster-inventory-provider-file=x'], {});
  if (line.kind !== 'options') throw new Error('no options');
  const places = createTrafficPlaces(parseOptions(line.texts, 'none').trafficLimits);
  for (const user of ['ana', 'ben', undefined])
    for (let count = 0; count < 1_000; count++) places.take(stream('a', user));
});
