import { Socket } from 'node:net';
import express from 'express';
import { createProxyMiddleware } from 'http-proxy-middleware';
import { readRelayArguments } from './relayArguments.ts';

/** As its documentation begins: behind express, with no agent of one's own. NODE_EXTRA_CA_CERTS names the CA. */
const { upstream, port } = readRelayArguments();
const proxy = createProxyMiddleware({ target: upstream, changeOrigin: true, ws: true });
const app = express();
app.use(proxy);
app.listen(port, '127.0.0.1').on('upgrade', (request, socket, head) => {
  if (socket instanceof Socket) proxy.upgrade(request, socket, head);
});
