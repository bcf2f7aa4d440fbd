import type { Fields } from './aws-api.ts';
import { Refusal, text, texts } from './ec2-double-input.ts';
import { providerKey } from './ec2-double-state.ts';
import type { Ec2State } from './ec2-double-state.ts';

interface Call {
  readonly state: Ec2State;
  readonly region: string;
}

/** What KMS does with each call. */
export const kmsCalls: Readonly<Record<string, (input: Fields, call: Call) => Fields>> = {
  DescribeKey: (input, { state, region }) => {
    const keyId = checkedKey(text(input, 'KeyId'), state, region);
    const KeyManager = keyId === providerKey(region) ? 'AWS' : 'CUSTOMER';
    return { KeyMetadata: { KeyId: keyId, Arn: keyId, KeyManager } };
  },

  CreateGrant: (input, { state, region }) => {
    const keyId = checkedKey(text(input, 'KeyId'), state, region);
    const principal = text(input, 'GranteePrincipal');
    const name = text(input, 'Name');
    if (!/^arn:aws:iam::\d{12}:root$/.test(principal) || !/^[a-zA-Z0-9:/_-]+$/.test(name)) {
      throw new Refusal('ValidationException', 'principal or name are not well formed');
    }
    if (texts(input, 'Operations').length === 0) throw new Refusal('ValidationException', 'no operations');
    const same = [...state.grants.values()].find(
      (grant) => grant.keyId === keyId && grant.name === name && grant.principal === principal,
    );
    const grant = same ?? { id: state.newId('grant'), keyId, name, principal };
    state.grants.set(grant.id, grant);
    return { GrantId: grant.id, GrantToken: 'token' };
  },

  ListGrants: (input, { state, region }) => {
    const keyId = checkedKey(text(input, 'KeyId'), state, region);
    const all = [...state.grants.values()].filter((grant) => grant.keyId === keyId);
    // Pages of one.
    const at = Number(text(input, 'Marker'));
    const isLast = at + 1 >= all.length;
    return {
      Grants: all.slice(at, at + 1).map(({ id, name, principal }) => ({
        GrantId: id,
        Name: name,
        KeyId: keyId,
        GranteePrincipal: principal,
      })),
      Truncated: !isLast,
      NextMarker: isLast ? undefined : String(at + 1),
    };
  },

  RevokeGrant: (input, { state }) => {
    const grant = state.grants.get(text(input, 'GrantId'));
    if (grant === undefined || grant.keyId !== text(input, 'KeyId')) {
      throw new Refusal('NotFoundException', 'Grant ID is not found');
    }
    state.grants.delete(grant.id);
    return {};
  },
};

function checkedKey(keyId: string, state: Ec2State, region: string): string {
  if (keyId === providerKey(region) || state.keys.has(keyId)) return keyId;
  throw new Refusal('NotFoundException', `Key '${keyId}' does not exist`);
}
