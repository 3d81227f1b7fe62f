import { createServer } from 'node:net';
import { connect } from 'node:tls';
import { readRelayArguments } from './relayArguments.ts';

/** Bytes both ways, read by nobody: what sockets and TLS alone cost in Node. */
const { upstream, ca, port } = readRelayArguments();
const { hostname: host, port: upstreamPort } = new URL(upstream);

createServer((client) => {
  const cluster = connect({ host, port: Number(upstreamPort), ca });
  client.setNoDelay(true);
  cluster.setNoDelay(true);
  client.pipe(cluster);
  cluster.pipe(client);
  for (const [one, other] of [
    [client, cluster],
    [cluster, client],
  ] as const) {
    one.on('error', () => other.destroy());
    one.on('close', () => other.destroy());
  }
}).listen({ port, host: '127.0.0.1', backlog: 1024 });
