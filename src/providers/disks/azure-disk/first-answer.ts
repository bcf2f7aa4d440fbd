/** What the first answer to an order says of what is made. */
export interface FirstAnswer {
  readonly provisioningState: string | undefined;
  readonly completionPercent: number | undefined;
  readonly timeCreated: Date | undefined;
}

/** What the SDK hands to `onResponse`. */
interface RawAnswer {
  readonly parsedBody?: unknown;
}

/** An order of the SDK's: sent when it is made, and polled only for who awaits its end. */
interface Order {
  submitted(): Promise<void>;
}

/**
 * Gives an order and resolves when Azure has taken it, with what it says then. Nothing is polled: by itself the SDK
 * reads only the last answer. Undefined where that is no description of anything.
 */
export async function firstAnswer(
  order: (onResponse: (answer: RawAnswer) => void) => Order,
): Promise<FirstAnswer | undefined> {
  let body: unknown;
  await order(({ parsedBody }) => {
    body = parsedBody;
  }).submitted();
  const properties = field(body, 'properties');
  if (properties === undefined) return undefined;
  const state = field(properties, 'provisioningState');
  const percent = field(properties, 'completionPercent');
  const created = field(properties, 'timeCreated');
  return {
    provisioningState: typeof state === 'string' ? state : undefined,
    completionPercent: typeof percent === 'number' ? percent : undefined,
    timeCreated: typeof created === 'string' ? new Date(created) : undefined,
  };
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}
