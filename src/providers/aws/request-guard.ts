import type { MiddlewareStack } from '@smithy/types';

/** The part of a request that shows whether it goes unencrypted, and what goes with it. */
export interface GuardedRequest {
  readonly protocol: string;
  readonly hostname: string;
  readonly headers: object;
}

/** Shows each request to `guard`, which throws where it must not be sent. */
export function guardRequests<I extends object, O extends object>(
  stack: Pick<MiddlewareStack<I, O>, 'add'>,
  guard: (request: GuardedRequest) => void,
): void {
  stack.add(
    (next) => async (args) => {
      if (isRequest(args.request)) guard(args.request);
      return next(args);
    },
    { step: 'finalizeRequest', name: 'transhipTransport', override: true },
  );
}

function isRequest(request: unknown): request is GuardedRequest {
  return (
    typeof request === 'object' &&
    request !== null &&
    'protocol' in request &&
    'hostname' in request &&
    'headers' in request &&
    typeof request.headers === 'object'
  );
}
