import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { RequestHandler } from '../../../../src/providers/objects/s3/request-handler.ts';

describe('the request handler of S3', () => {
  it('tells its connections for gets too of what a client sets', (t) => {
    const update = t.mock.method(NodeHttpHandler.prototype, 'updateHttpClientConfig');
    const handler = new RequestHandler({});
    t.after(() => handler.destroy());
    handler.updateHttpClientConfig('socketTimeout', 1234);
    const told = update.mock.calls.map((call) => call.this);
    assert.equal(new Set(told).size, 2);
    for (const { arguments: given } of update.mock.calls) assert.deepEqual(given, ['socketTimeout', 1234]);
  });
});
