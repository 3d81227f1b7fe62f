import { lookup as lookupName, type LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { CodedError } from '../foundation/errors.ts';
import type { ClusterConnection } from './connection.ts';

/** Looks a name up and gives only addresses that may be dialled: the address that was checked is the one dialled. */
export function checkedLookup({
  isAddressAllowed,
}: Pick<ClusterConnection, 'isAddressAllowed'>): LookupFunction {
  return (hostname, options, callback) => {
    lookupName(hostname, { ...options, all: true }, (error, found: LookupAddress[]) => {
      if (error) {
        callback(error, []);
        return;
      }
      const allowed = found.filter(({ address }) => isAddressAllowed(address));
      const [first] = allowed;
      if (!first) callback(new CodedError('server-address-refused'), []);
      else if (options.all) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}
