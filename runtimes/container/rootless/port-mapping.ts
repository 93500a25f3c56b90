/** A port of the host that leads inside. */
export interface PortMapping {
  /** Address of the host it is published on; null or absent for all. */
  hostIp?: string | null;
  hostPort: number;
  containerPort: number;
  protocol: 'tcp' | 'udp';
}
