import { arrayOf, field, objectOf, textOf } from '../../google/json-value.ts';

/** Who may do what, as Google's services answer it; all of it goes back when it is changed. */
export interface IamPolicy {
  readonly version: number;
  readonly etag: string;
  readonly bindings: readonly IamBinding[];
  readonly auditConfigs: readonly object[];
}

export interface IamBinding {
  readonly role: string;
  readonly members: readonly string[];
  readonly condition?: object | undefined;
}

/** Conditions are answered, and may be kept, only by whoever asks for this version. */
export const POLICY_VERSION = 3;

export function policyOf(answer: unknown): IamPolicy {
  return {
    version: POLICY_VERSION,
    etag: textOf(field(answer, 'etag')),
    bindings: arrayOf(field(answer, 'bindings')).map((binding) => {
      const condition = field(binding, 'condition');
      return {
        role: textOf(field(binding, 'role')),
        members: arrayOf(field(binding, 'members')).map(textOf),
        ...(condition === undefined || condition === null ? {} : { condition: objectOf(condition) }),
      };
    }),
    auditConfigs: arrayOf(field(answer, 'auditConfigs')).map(objectOf),
  };
}

/** Who may do what by a binding of ours. */
export interface IamGrant {
  readonly role: string;
  readonly member: string;
  /** Tells this binding from all others of the role and the member. Default: the one without a condition. */
  readonly condition?: IamCondition | undefined;
}

/** A condition that always holds: its title and description name what the binding is for. */
export interface IamCondition {
  readonly title: string;
  readonly description: string;
  readonly expression: string;
}

/** Of the form that every service takes which knows conditions. */
const ALWAYS = 'request.time >= timestamp("2000-01-01T00:00:00Z")';

/** Names of conditions end at 100 characters, descriptions at 256. */
export function conditionFor(title: string, description: string): IamCondition {
  return { title: title.slice(0, 100), description: description.slice(0, 256), expression: ALWAYS };
}

/** True where the policy has just this grant. */
export function hasGrant({ bindings }: IamPolicy, grant: IamGrant): boolean {
  return bindings.some((binding) => isOf(binding, grant) && binding.members.includes(grant.member));
}

/** The policy with the grant; undefined where it has it already. */
export function withGrant(policy: IamPolicy, grant: IamGrant): IamPolicy | undefined {
  if (hasGrant(policy, grant)) return undefined;
  const { role, member, condition } = grant;
  const first = policy.bindings.find((binding) => isOf(binding, grant));
  const others = policy.bindings.filter((binding) => binding !== first);
  const members = [...(first?.members ?? []), member];
  return {
    ...policy,
    bindings: [...others, { role, members, ...(condition === undefined ? {} : { condition }) }],
  };
}

/** The policy without the grant; undefined where it does not have it. */
export function withoutGrant(policy: IamPolicy, grant: IamGrant): IamPolicy | undefined {
  if (!hasGrant(policy, grant)) return undefined;
  const bindings = policy.bindings.map((binding) =>
    isOf(binding, grant)
      ? { ...binding, members: binding.members.filter((name) => name !== grant.member) }
      : binding,
  );
  return { ...policy, bindings: bindings.filter(({ members }) => members.length > 0) };
}

function isOf(binding: IamBinding, { role, condition }: IamGrant): boolean {
  if (binding.role !== role) return false;
  if (condition === undefined || binding.condition === undefined) return condition === binding.condition;
  return (
    textOf(field(binding.condition, 'title')) === condition.title &&
    textOf(field(binding.condition, 'description')) === condition.description
  );
}
