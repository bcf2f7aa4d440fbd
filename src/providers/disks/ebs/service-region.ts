import type { EC2Client } from '@aws-sdk/client-ec2';
import type { KMSClient } from '@aws-sdk/client-kms';
import type { STSClient } from '@aws-sdk/client-sts';
import type { Clients } from './clients.ts';
import { ServiceCalls } from './service-calls.ts';

/** The services of one region; a client is made when it is first needed. */
export class ServiceRegion {
  readonly name: string;
  readonly ec2: ServiceCalls<EC2Client>;
  readonly kms: ServiceCalls<KMSClient>;
  readonly sts: ServiceCalls<STSClient>;

  constructor(name: string, clients: Clients, idleTimeoutMs: number) {
    this.name = name;
    this.ec2 = new ServiceCalls({ region: name, idleTimeoutMs, create: () => clients.ec2(name) });
    this.kms = new ServiceCalls({ region: name, idleTimeoutMs, create: () => clients.kms(name) });
    this.sts = new ServiceCalls({ region: name, idleTimeoutMs, create: () => clients.sts(name) });
  }

  async close(): Promise<void> {
    await Promise.all([this.ec2.close(), this.kms.close(), this.sts.close()]);
  }
}
