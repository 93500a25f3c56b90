import { NAMESPACE_FLAGS } from '../plan/container-plan.ts';
import type { NamespaceType, OciSpec } from '../spec/oci-spec.ts';

/** The namespaces that a container has of its own or has joined, as CLONE_NEW* bits: what an exec must enter. */
export function namespaceBits(spec: OciSpec): number {
  return (spec.linux?.namespaces ?? []).reduce((sum, { type }) => sum | NAMESPACE_FLAGS[type], 0);
}

/** True when the configuration makes a namespace of that type, rather than joining one or sharing the host's. */
export function makes(spec: OciSpec, type: NamespaceType): boolean {
  return (spec.linux?.namespaces ?? []).some((namespace) => namespace.type === type && !namespace.path);
}
