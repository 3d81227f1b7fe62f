import { describe, expect, it } from 'vitest';
import { codedErrorOf } from '../../test/support/codedErrorOf.ts';
import { parseKubernetesRequest } from './kubernetesRequest.ts';
import { decideVerb, type TrafficVerb } from './requestVerb.ts';

function decide(line: string, isUpgrade = false): TrafficVerb {
  const [method = '', rest = ''] = line.split(' ');
  return decideVerb({ method, rest, asked: parseKubernetesRequest(rest), isUpgrade });
}

const pod = '/api/v1/namespaces/n/pods/p';
const self = '/apis/authorization.k8s.io/v1/selfsubject';

describe('a request', () => {
  it.each<[string, TrafficVerb]>([
    [`GET ${pod}`, 'get'],
    [`HEAD ${pod}`, 'get'],
    ['GET /api/v1/pods?watch=true', 'get'],
    ['GET /version', 'get'],
    ['GET ', 'get'],
    [`GET ${pod}/log?follow=true`, 'get'],
    [`POST ${pod}`, 'create'],
    [`PUT ${pod}`, 'update'],
    [`PATCH ${pod}`, 'patch'],
    [`DELETE ${pod}`, 'delete'],
    ['DELETE /api/v1/namespaces/n/pods', 'delete'],
    [`POST ${pod}/eviction`, 'create'],
    ['PATCH /apis/apps/v1/namespaces/n/deployments/d/scale', 'patch'],
  ])('ID-11: %s needs %s', (line, verb) => {
    expect(decide(line)).toBe(verb);
  });

  it.each(['OPTIONS', 'TRACE', 'CONNECT', 'PROPFIND', 'get', ''])(
    'ID-11: %j is no method',
    async (method) => {
      for (const rest of ['/api/v1/pods', `${pod}/proxy/`, `${self}accessreviews`])
        expect((await codedErrorOf(() => decide(`${method} ${rest}`))).code).toBe('method-refused');
    },
  );

  it.each<[string, TrafficVerb]>([
    ['GET /api/v1/nodes/n/proxy', 'create'],
    ['GET /api/v1/nodes/n/proxy/exec/ns/pod/container?command=id', 'create'],
    ['HEAD /api/v1/nodes/n/proxy/run', 'create'],
    ['GET /api/v1/nodes/https:n:10250/proxy/pods?watch=true', 'create'],
    [`GET ${pod}/proxy/`, 'create'],
    [`GET ${pod}:8080/proxy/x`, 'create'],
    ['GET /api/v1/namespaces/n/services/http:s:80/proxy/', 'create'],
    ['GET /api/v1/proxy/nodes/n/exec', 'create'],
    ['GET /api/v1/proxy/namespaces/n/pods/p/x', 'create'],
    // The API server decodes before it splits.
    ['GET /api/v1/nodes/n%2Fproxy%2Fexec', 'create'],
    ['GET /api/v1/nodes/n/%70roxy/exec', 'create'],
    ['GET //api/v1/nodes/n/proxy', 'create'],
    ['GET /api/v1/nodes/n/proxy/exec/%ff', 'create'],
    ['GET /api/v1/nodes/n/proxy/%', 'create'],
    ['GET /api/v1//nodes/n/proxy/exec', 'create'],
    ['GET /api/v1%2F%2Fnodes/n/proxy/exec', 'create'],
    ['GET /apis/proxy.example/v1/namespaces/n/clusters/c/proxy/api', 'create'],
    [`POST ${pod}/proxy/`, 'create'],
    [`PUT ${pod}/proxy/`, 'create'],
    [`DELETE ${pod}/proxy/`, 'create'],
  ])('ID-12: %s, to what is behind proxy, needs %s', (line, verb) => {
    expect(decide(line)).toBe(verb);
    expect(decide(line, true)).toBe(verb);
  });

  it.each<[string, TrafficVerb]>([
    ['GET /api/v1/nodes/proxy', 'get'],
    ['GET /api/v1/namespaces/proxy/pods', 'get'],
    ['GET /api/v1/namespaces/n/services/proxy', 'get'],
    [`GET ${pod}?proxy`, 'get'],
    [`GET ${pod}?x=a//b%`, 'get'],
    ['GET //api/v1/pods//', 'get'],
    ['GET /api/v1/pods/%ff', 'get'],
  ])('ID-12: %s, where proxy is only a name, needs %s', (line, verb) => {
    expect(decide(line)).toBe(verb);
  });

  it.each(['exec', 'attach', 'portforward'])(
    'ID-12: to %s needs create, as no upgrade too',
    (subresource) => {
      for (const method of ['GET', 'HEAD', 'POST']) {
        expect(decide(`${method} ${pod}/${subresource}?command=id`)).toBe('create');
        expect(decide(`${method} ${pod}/${subresource}?watch=true`)).toBe('create');
      }
      expect(decide(`GET ${pod}%2F${subresource}`)).toBe('create');
    },
  );
});

describe('an upgrade', () => {
  it.each([
    'GET /api/v1/pods?watch=true',
    'GET /apis/apps/v1/namespaces/n/deployments?watch=1&resourceVersion=5',
    'GET /api/v1/watch/pods',
    `GET ${pod}/log?follow=true`,
    `GET ${pod}/log`,
  ])('ID-12: %s needs get', (line) => {
    expect(decide(line, true)).toBe('get');
  });

  it.each([
    `GET ${pod}/exec?command=sh`,
    `POST ${pod}/exec?command=sh`,
    `GET ${pod}/exec?command=sh&watch=true`,
    `GET ${pod}/attach`,
    `GET ${pod}/portforward`,
    `GET ${pod}`,
    'GET /api/v1/pods',
    'GET /api/v1/pods?watch=false',
    'POST /api/v1/pods?watch=true',
    'HEAD /api/v1/pods?watch=true',
    'DELETE /api/v1/pods?watch=true',
    'GET /version',
    'GET /version?watch=true',
    'GET /',
    'GET /api/v1/nodes/n/log',
    'GET /apis/x.example/v1/namespaces/n/pods/p/log',
    'GET /apis/subresources.kubevirt.io/v1/namespaces/n/virtualmachineinstances/v/console',
    'GET /apis/subresources.kubevirt.io/v1/namespaces/n/virtualmachineinstances/v/console?watch=true',
    'GET /apis/subresources.kubevirt.io/v1/watch/namespaces/n/virtualmachineinstances/v/vnc',
    'GET /api/v1/nodes/n/log?watch=1',
    `GET ${pod}//exec?command=sh&watch=true`,
    `GET ${pod}%2F%2Fexec?command=sh&watch=true`,
    `POST ${self}accessreviews`,
  ])('ID-12: %s needs create', (line) => {
    expect(decide(line, true)).toBe('create');
  });
});

describe('a question about oneself', () => {
  it.each([
    `POST ${self}rulesreviews`,
    `POST ${self}accessreviews`,
    `POST ${self}accessreviews?timeout=10s`,
    'POST /apis/authentication.k8s.io/v1/selfsubjectreviews',
  ])('ID-16: %s needs get', (line) => {
    expect(decide(line)).toBe('get');
  });

  it.each([
    `POST ${self}accessreviews/`,
    `POST /${self}accessreviews`,
    `POST ${self}accessreviews/x`,
    'POST /apis/authorization.k8s.io/v1//selfsubjectaccessreviews',
    'POST /apis/authorization.k8s.io/v1/%73elfsubjectaccessreviews',
    'POST /apis/authorization.k8s.io/v1beta1/selfsubjectaccessreviews',
    'POST /apis/authorization.k8s.io/v1/subjectaccessreviews',
    'POST /apis/authorization.k8s.io/v1/namespaces/n/localsubjectaccessreviews',
    'POST /apis/authorization.k8s.io/v1/selfsubjectreviews',
    'POST /apis/authentication.k8s.io/v1/selfsubjectaccessreviews',
    'POST /apis/authentication.k8s.io/v1/tokenreviews',
    `POST ${pod}?x=${self}accessreviews`,
    `POST ${pod}/binding`,
  ])('ID-16: %s is none, and needs create', (line) => {
    expect(decide(line)).toBe('create');
  });

  it('ID-16: is asked by POST alone', () => {
    expect(decide(`PUT ${self}accessreviews`)).toBe('update');
    expect(decide(`DELETE ${self}accessreviews`)).toBe('delete');
  });
});
