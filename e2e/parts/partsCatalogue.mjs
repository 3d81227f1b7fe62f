/** What is built, from which package of the pinned Go module. Whether people may bring their own decides the order. */
export const programs = /** @type {const} */ ({
  etcd: { package: 'go.etcd.io/etcd/server/v3', ownAccepted: true },
  'kube-apiserver': { package: 'k8s.io/kubernetes/cmd/kube-apiserver', ownAccepted: true },
  kubectl: { package: 'k8s.io/kubernetes/cmd/kubectl', ownAccepted: true },
  kwok: { package: 'sigs.k8s.io/kwok/cmd/kwok', ownAccepted: false },
  secretreader: {
    package: 'sigs.k8s.io/cluster-inventory-api/plugins/secretreader/cmd/plugin',
    ownAccepted: false,
  },
  'kubeconfig-secretreader': {
    package: 'sigs.k8s.io/cluster-inventory-api/plugins/kubeconfig-secretreader/cmd/plugin',
    ownAccepted: false,
  },
});

/** @typedef {keyof typeof programs} ProgramName */
export const programNames = /** @type {readonly ProgramName[]} */ (Object.keys(programs));

/** Files taken out of modules; several become one file of YAML documents. */
export const moduleFiles = /** @type {const} */ ({
  'clusterprofiles.crd.yaml': {
    module: 'sigs.k8s.io/cluster-inventory-api',
    paths: ['config/crd/bases/multicluster.x-k8s.io_clusterprofiles.yaml'],
  },
  'kwok-stages.yaml': {
    module: 'sigs.k8s.io/kwok',
    paths: [
      'kustomize/stage/node/fast/node-initialize.yaml',
      'kustomize/stage/node/heartbeat-with-lease/node-heartbeat-with-lease.yaml',
      'kustomize/stage/pod/fast/pod-ready.yaml',
      'kustomize/stage/pod/fast/pod-complete.yaml',
      'kustomize/stage/pod/fast/pod-delete.yaml',
    ],
  },
});

/** @typedef {keyof typeof moduleFiles} ModuleFileName */
export const moduleFileNames = /** @type {readonly ModuleFileName[]} */ (Object.keys(moduleFiles));

const kubernetesVersion = 'v1.36.3';
const versionPackage = 'k8s.io/component-base/version';
export const goVersionNeeded = { major: 1, minor: 26 };

/** Reproducible: the same module and flags give the same bytes. */
export const goFlags = ['-mod=readonly', '-trimpath', '-buildvcs=false'];
export const linkerFlags = [
  '-s -w',
  `-X ${versionPackage}.gitVersion=${kubernetesVersion}`,
  `-X ${versionPackage}.gitMajor=1`,
  `-X ${versionPackage}.gitMinor=36`,
].join(' ');
