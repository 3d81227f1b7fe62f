// Its agents and requests alone: fetch, caches, mocks and the rest take twice as long again to load, and 10 MB.
import api from 'undici/lib/api/index.js';
import errors from 'undici/lib/core/errors.js';
import Agent from 'undici/lib/dispatcher/agent.js';
import Dispatcher from 'undici/lib/dispatcher/dispatcher.js';
import ProxyAgent from 'undici/lib/dispatcher/proxy-agent.js';

// As undici's own index does: `request` is a method of each agent.
Object.assign(Dispatcher.prototype, api);

export { Agent, errors, ProxyAgent };
