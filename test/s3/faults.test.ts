/** Passes over S3 through a network and a server that misbehave. */
import { testFaultyPasses } from '../interop/faulty-passes.ts';
import { initInBucket, openInBucket } from '../support/s3/bucket-repository.ts';
import { newBucket } from '../support/s3/s3-bucket.ts';
import { s3FaultSuite } from '../support/s3/s3-suite.ts';

s3FaultSuite('faults over S3', (server, toxiproxy) => {
  testFaultyPasses({
    endpoint: () => server().endpoint,
    toxiproxy,
    newStore: async () => {
      const bucket = await newBucket(server());
      return {
        init: ({ through: endpoint, ...options } = {}) => initInBucket(bucket, { endpoint, ...options }),
        open: ({ through: endpoint, ...options } = {}) => openInBucket(bucket, { endpoint, ...options }),
        driver: (through) => bucket.driver({}, through),
        leftovers: () => bucket.unfinishedUploads(),
      };
    },
    refusals: [
      [503, 'SlowDown'],
      [500, 'InternalError'],
      [503, 'ServiceUnavailable'],
    ],
    smallestPartBytes: 5 * 2 ** 20,
  });
});
