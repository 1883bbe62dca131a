// Generated from schema.graphql and operations.graphql: npm run generate
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
/** What of a channel is overridden. */
export type Aspect =
  | 'DISABLED'
  | 'PRIORITY'
  | 'WEIGHT';

/** An override that shall end now. */
export type ChannelOverrideDropInput = {
  readonly id: string;
};

/** One thing of a channel, another than the tree says, for a while: exactly one of `disabled`, `weight` and `priority`, and exactly one of `until` and `lasting`. */
export type ChannelOverrideInput = {
  readonly channel: string;
  readonly disabled?: boolean | null | undefined;
  /** Only look whether it could be. */
  readonly dryRun?: boolean;
  /** How long it lasts: `P1D`, `PT30M`. */
  readonly lasting?: string | null | undefined;
  readonly priority?: number | null | undefined;
  /** Kept, logged and shown. */
  readonly reason: string;
  /** When it ends; at most seven days from now. */
  readonly until?: string | null | undefined;
  readonly weight?: number | null | undefined;
};

/** What each code is to be. */
export type CodeBatchCreateInput = {
  /** What each code is worth. */
  readonly amount: string;
  /** 1 to 10000. */
  readonly count: number;
  /** Null is never. */
  readonly expiresAt?: string | null | undefined;
  /** One batch for each. */
  readonly idempotencyKey: string;
  /** What people call the batch; 1 to 64 characters. */
  readonly name: string;
};

/** A code. */
export type CodeRedeemInput = {
  /** Capitals, hyphens and spaces do not matter. */
  readonly code: string;
  /** With it, the same asked again is answered the same; without it, `code_used`. */
  readonly idempotencyKey?: string | null | undefined;
};

/** A file of a tree as it would be. */
export type DocumentInput = {
  /** Null: without it. */
  readonly content?: string | null | undefined;
  /** Relative to the tree: `providers/acme.yaml`. */
  readonly path: string;
};

/** Whether an account needs an e-mail address. */
export type EmailRule =
  | 'NONE'
  | 'OPTIONAL'
  | 'REQUIRED';

/** What a letter brought: the secret of its link, or the address and the six digits. */
export type EmailVerifyInput = {
  readonly code?: string | null | undefined;
  readonly email?: string | null | undefined;
  /** Somebody's code, for a new account. */
  readonly invitation?: string | null | undefined;
  readonly secret?: string | null | undefined;
};

/** Why money moved. */
export type EntryKind =
  | 'ADJUSTMENT'
  | 'CHARGE'
  | 'GRANT'
  | 'REDEMPTION'
  | 'REFUND'
  | 'REWARD'
  | 'TOPUP'
  | 'TRANSFER';

/** How an export is written. */
export type ExportFormat =
  | 'CSV'
  | 'JSONL';

/** What a second factor is. */
export type FactorKind =
  | 'BACKUP'
  | 'PASSKEY'
  | 'TOTP';

/** A language that the server can write in. */
export type Language =
  | 'CHINESE'
  | 'ENGLISH';

/** Which ledger entries are wanted. */
export type LedgerEntryFilter = {
  /** Those of all users but charges, which are in `spend` and `requestLogs`. */
  readonly everyone?: boolean;
  readonly kind?: EntryKind | null | undefined;
  readonly since?: string | null | undefined;
  /** Not included. */
  readonly until?: string | null | undefined;
  /** Without it, those of whoever asks. */
  readonly user?: string | null | undefined;
};

/** The tree on disk with other documents. */
export type PlanInput = {
  /** None: the tree on disk as it is. */
  readonly documents: ReadonlyArray<DocumentInput>;
  /** Run the logged calls of so long through it, too: `P7D`, or less. */
  readonly replay?: string | null | undefined;
};

/** What a stranger says of themselves. */
export type RegisterInput = {
  readonly displayName?: string;
  readonly email?: string | null | undefined;
  /** Somebody's code; where an address is verified first, `emailVerify` takes it. */
  readonly invitation?: string | null | undefined;
  readonly language?: Language | null | undefined;
  readonly name: string;
  readonly password: string;
};

/** Who shall look at the tree on disk. */
export type ReloadInput = {
  /** Only the process that answers, not the others. */
  readonly onlyHere?: boolean;
};

/** Which request logs are wanted: those of a time. */
export type RequestLogFilter = {
  /** By its id or name; for operators. */
  readonly channel?: string | null | undefined;
  /** Those of all users, and of calls of nobody known. */
  readonly everyone?: boolean;
  /** Only those that failed. */
  readonly failed?: boolean;
  readonly group?: string | null | undefined;
  /** The model that was served. */
  readonly model?: string | null | undefined;
  /** `ok` or the code of a failure. */
  readonly outcome?: string | null | undefined;
  readonly requestId?: string | null | undefined;
  readonly since: string;
  readonly token?: string | null | undefined;
  /** Not included; at most 92 days after `since`. */
  readonly until: string;
  /** For operators. */
  readonly upstreamId?: string | null | undefined;
  /** Without it, those of whoever asks. */
  readonly user?: string | null | undefined;
};

/** Which request logs are followed. */
export type RequestLogTailFilter = {
  /** By its id or name; for operators. */
  readonly channel?: string | null | undefined;
  /** Those of all users, and of calls of nobody known. */
  readonly everyone?: boolean;
  /** Only those that failed. */
  readonly failed?: boolean;
  readonly group?: string | null | undefined;
  /** The model that was served. */
  readonly model?: string | null | undefined;
  /** `ok` or the code of a failure. */
  readonly outcome?: string | null | undefined;
  readonly token?: string | null | undefined;
  /** Without it, those of whoever asks. */
  readonly user?: string | null | undefined;
};

/** What a user may do in the console. */
export type Role =
  | 'ADMIN'
  | 'ROOT'
  | 'USER';

/** An earlier revision that shall be served in the place of the tree on disk. */
export type RollbackInput = {
  /** Only look what would be done. */
  readonly dryRun?: boolean;
  /** Kept, logged and shown. */
  readonly reason: string;
  /** First digits do; without it, the one before. */
  readonly revision?: string | null | undefined;
};

/** Rejected revisions that may be served again. */
export type RollbackLiftInput = {
  /** The whole of it; without it, all. */
  readonly revision?: string | null | undefined;
};

/** A code of an app or of paper. */
export type SignInFinishInput = {
  /** Of `signIn`, or of the fragment after another service. */
  readonly challenge: string;
  readonly code: string;
  readonly kind: FactorKind;
};

/** Who one says one is, and a password. */
export type SignInInput = {
  /** A name, or a verified address. */
  readonly login: string;
  readonly password: string;
};

/** Whether a user or a token may be used. */
export type Status =
  | 'ACTIVE'
  | 'DISABLED';

/** A password, or a code and what it is of; who has a second factor needs that. */
export type StepUpInput = {
  readonly code?: string | null | undefined;
  readonly kind?: FactorKind | null | undefined;
  readonly password?: string | null | undefined;
};

/** A tag. */
export type TagInput = {
  readonly name: string;
  readonly value: string;
};

/** A new token. */
export type TokenCreateInput = {
  /** One token for each: repeat it when an answer was lost. */
  readonly idempotencyKey: string;
  /** Without it, there are none. */
  readonly limits?: TokenLimitsInput | null | undefined;
  readonly name?: string;
  /** Another's needs `token:write`. */
  readonly user?: string | null | undefined;
};

/** Which tokens are wanted. */
export type TokenFilter = {
  /** Those of all users. */
  readonly everyone?: boolean;
  /** How the name begins, or the hint. */
  readonly search?: string | null | undefined;
  readonly status?: Status | null | undefined;
  /** Without it, those of whoever asks. */
  readonly user?: string | null | undefined;
};

/** What a token is restricted to. What is absent stays; null takes the limit away. */
export type TokenLimitsInput = {
  /** The most it may ever spend. */
  readonly budget?: string | null | undefined;
  readonly expiresAt?: string | null | undefined;
  /** Another than the owner's needs `token:write`. */
  readonly group?: string | null | undefined;
  /** Empty is all that the group offers. */
  readonly models?: ReadonlyArray<string> | null | undefined;
  /** Addresses, or ranges in CIDR. */
  readonly networks?: ReadonlyArray<string> | null | undefined;
  readonly tags?: ReadonlyArray<TagInput> | null | undefined;
};

/** What the app shows. */
export type TotpConfirmInput = {
  readonly code: string;
  readonly id: string;
};

/** An authenticator app. */
export type TotpSetupInput = {
  /** What its owner calls it. */
  readonly name?: string;
};

/** What a price may name. The buckets are disjoint: a cached token is no input token. */
export type Unit =
  | 'AUDIO_INPUT'
  | 'AUDIO_OUTPUT'
  | 'CACHE_READ'
  | 'CACHE_WRITE'
  | 'CACHE_WRITE_1H'
  | 'CALL'
  | 'CHARACTER'
  | 'IMAGE'
  | 'IMAGE_INPUT'
  | 'IMAGE_OUTPUT'
  | 'INPUT'
  | 'OUTPUT'
  | 'REASONING'
  | 'SEARCH'
  | 'SECOND';

export type FailureFragment = { readonly code: string, readonly message: string, readonly path: ReadonlyArray<string>, readonly parameters: ReadonlyArray<{ readonly name: string, readonly value: string }> };

export type MoneyFragment = { readonly total: string, readonly held: string, readonly lent: string, readonly available: string, readonly spendable: string };

export type SignInOptionsQueryVariables = Exact<{ [key: string]: never; }>;


export type SignInOptionsQuery = { readonly signInOptions: { readonly name: string, readonly currency: string, readonly password: boolean, readonly registration: { readonly open: boolean, readonly email: EmailRule } } };

export type RegisterMutationVariables = Exact<{
  input: RegisterInput;
}>;


export type RegisterMutation = { readonly register: { readonly mustVerify: boolean | null, readonly viewer: { readonly user: { readonly name: string } } | null, readonly errors: ReadonlyArray<{ readonly code: string, readonly message: string, readonly path: ReadonlyArray<string>, readonly parameters: ReadonlyArray<{ readonly name: string, readonly value: string }> }> } };

export type EmailVerifyMutationVariables = Exact<{
  input: EmailVerifyInput;
}>;


export type EmailVerifyMutation = { readonly emailVerify: { readonly done: boolean, readonly errors: ReadonlyArray<{ readonly code: string, readonly message: string, readonly path: ReadonlyArray<string>, readonly parameters: ReadonlyArray<{ readonly name: string, readonly value: string }> }> } };

export type SignInMutationVariables = Exact<{
  input: SignInInput;
}>;


export type SignInMutation = { readonly signIn: { readonly challenge: string | null, readonly factors: ReadonlyArray<FactorKind>, readonly viewer: { readonly user: { readonly id: string, readonly name: string } } | null, readonly errors: ReadonlyArray<{ readonly code: string, readonly message: string, readonly path: ReadonlyArray<string>, readonly parameters: ReadonlyArray<{ readonly name: string, readonly value: string }> }> } };

export type SignInFinishMutationVariables = Exact<{
  input: SignInFinishInput;
}>;


export type SignInFinishMutation = { readonly signInFinish: { readonly viewer: { readonly user: { readonly id: string, readonly name: string } } | null, readonly errors: ReadonlyArray<{ readonly code: string, readonly message: string, readonly path: ReadonlyArray<string>, readonly parameters: ReadonlyArray<{ readonly name: string, readonly value: string }> }> } };

export type SignOutMutationVariables = Exact<{ [key: string]: never; }>;


export type SignOutMutation = { readonly signOut: { readonly done: boolean, readonly errors: ReadonlyArray<{ readonly code: string, readonly message: string, readonly path: ReadonlyArray<string>, readonly parameters: ReadonlyArray<{ readonly name: string, readonly value: string }> }> } };

export type SignOutEverywhereMutationVariables = Exact<{ [key: string]: never; }>;


export type SignOutEverywhereMutation = { readonly signOutEverywhere: { readonly done: boolean, readonly errors: ReadonlyArray<{ readonly code: string, readonly message: string, readonly path: ReadonlyArray<string>, readonly parameters: ReadonlyArray<{ readonly name: string, readonly value: string }> }> } };

export type StepUpMutationVariables = Exact<{
  input: StepUpInput;
}>;


export type StepUpMutation = { readonly stepUp: { readonly until: string | null, readonly errors: ReadonlyArray<{ readonly code: string, readonly message: string, readonly path: ReadonlyArray<string>, readonly parameters: ReadonlyArray<{ readonly name: string, readonly value: string }> }> } };

export type TotpSetupMutationVariables = Exact<{
  input: TotpSetupInput;
}>;


export type TotpSetupMutation = { readonly totpSetup: { readonly id: string | null, readonly uri: string | null, readonly secret: string | null, readonly errors: ReadonlyArray<{ readonly code: string, readonly message: string, readonly path: ReadonlyArray<string>, readonly parameters: ReadonlyArray<{ readonly name: string, readonly value: string }> }> } };

export type TotpConfirmMutationVariables = Exact<{
  input: TotpConfirmInput;
}>;


export type TotpConfirmMutation = { readonly totpConfirm: { readonly backupCodes: ReadonlyArray<string> | null, readonly factor: { readonly kind: FactorKind, readonly name: string } | null, readonly errors: ReadonlyArray<{ readonly code: string, readonly message: string, readonly path: ReadonlyArray<string>, readonly parameters: ReadonlyArray<{ readonly name: string, readonly value: string }> }> } };

export type MeQueryVariables = Exact<{ [key: string]: never; }>;


export type MeQuery = { readonly viewer: { readonly user: { readonly name: string, readonly email: string | null, readonly emailVerifiedAt: string | null, readonly role: Role, readonly group: string }, readonly balance: { readonly total: string, readonly held: string, readonly lent: string, readonly available: string, readonly spendable: string }, readonly sessions: ReadonlyArray<{ readonly method: string, readonly isCurrent: boolean }> | null, readonly secondFactors: { readonly kinds: ReadonlyArray<FactorKind>, readonly backupCodes: number } | null } | null };

export type CodeRedeemMutationVariables = Exact<{
  input: CodeRedeemInput;
}>;


export type CodeRedeemMutation = { readonly codeRedeem: { readonly amount: string | null, readonly balance: { readonly total: string, readonly held: string, readonly lent: string, readonly available: string, readonly spendable: string } | null, readonly errors: ReadonlyArray<{ readonly code: string, readonly message: string, readonly path: ReadonlyArray<string>, readonly parameters: ReadonlyArray<{ readonly name: string, readonly value: string }> }> } };

export type TokensQueryVariables = Exact<{
  first: number;
  after?: string | null | undefined;
  filter?: TokenFilter | null | undefined;
}>;


export type TokensQuery = { readonly tokens: { readonly edges: ReadonlyArray<{ readonly node: { readonly id: string, readonly name: string, readonly hint: string, readonly status: Status, readonly models: ReadonlyArray<string>, readonly spent: string, readonly budget: string | null, readonly lastUsedAt: string | null } }>, readonly pageInfo: { readonly hasNextPage: boolean, readonly endCursor: string | null } } };

export type TokenCreateMutationVariables = Exact<{
  input: TokenCreateInput;
}>;


export type TokenCreateMutation = { readonly tokenCreate: { readonly secret: string | null, readonly token: { readonly id: string, readonly name: string, readonly hint: string, readonly status: Status, readonly models: ReadonlyArray<string> } | null, readonly errors: ReadonlyArray<{ readonly code: string, readonly message: string, readonly path: ReadonlyArray<string>, readonly parameters: ReadonlyArray<{ readonly name: string, readonly value: string }> }> } };

export type PriceFragment = { readonly total: string, readonly isWhole: boolean, readonly lines: ReadonlyArray<{ readonly unit: Unit, readonly count: string, readonly per: string, readonly listed: string, readonly amount: string }>, readonly factors: ReadonlyArray<{ readonly factor: string, readonly group: string | null, readonly rule: string | null }> };

export type CallFragment = { readonly requestId: string, readonly at: string, readonly model: string | null, readonly outcome: string, readonly charge: string, readonly inputTokens: string, readonly outputTokens: string, readonly quote: { readonly total: string, readonly isWhole: boolean, readonly lines: ReadonlyArray<{ readonly unit: Unit, readonly count: string, readonly per: string, readonly listed: string, readonly amount: string }>, readonly factors: ReadonlyArray<{ readonly factor: string, readonly group: string | null, readonly rule: string | null }> } | null, readonly token: { readonly name: string } | null };

export type RequestLogsQueryVariables = Exact<{
  first: number;
  after?: string | null | undefined;
  filter: RequestLogFilter;
}>;


export type RequestLogsQuery = { readonly requestLogs: { readonly edges: ReadonlyArray<{ readonly node: { readonly requestId: string, readonly at: string, readonly model: string | null, readonly outcome: string, readonly charge: string, readonly inputTokens: string, readonly outputTokens: string, readonly quote: { readonly total: string, readonly isWhole: boolean, readonly lines: ReadonlyArray<{ readonly unit: Unit, readonly count: string, readonly per: string, readonly listed: string, readonly amount: string }>, readonly factors: ReadonlyArray<{ readonly factor: string, readonly group: string | null, readonly rule: string | null }> } | null, readonly token: { readonly name: string } | null } }>, readonly pageInfo: { readonly hasNextPage: boolean, readonly endCursor: string | null } } };

export type RequestLogTailSubscriptionVariables = Exact<{
  filter?: RequestLogTailFilter | null | undefined;
}>;


export type RequestLogTailSubscription = { readonly requestLogTail: { readonly missed: number, readonly logs: ReadonlyArray<{ readonly requestId: string, readonly at: string, readonly model: string | null, readonly outcome: string, readonly charge: string, readonly inputTokens: string, readonly outputTokens: string, readonly quote: { readonly total: string, readonly isWhole: boolean, readonly lines: ReadonlyArray<{ readonly unit: Unit, readonly count: string, readonly per: string, readonly listed: string, readonly amount: string }>, readonly factors: ReadonlyArray<{ readonly factor: string, readonly group: string | null, readonly rule: string | null }> } | null, readonly token: { readonly name: string } | null }> } };

export type BalanceChangedSubscriptionVariables = Exact<{ [key: string]: never; }>;


export type BalanceChangedSubscription = { readonly balanceChanged: { readonly total: string, readonly held: string, readonly lent: string, readonly available: string, readonly spendable: string } };

export type RequestLogExportUrlQueryVariables = Exact<{
  filter: RequestLogFilter;
  format: ExportFormat;
}>;


export type RequestLogExportUrlQuery = { readonly requestLogExportUrl: string };

export type LedgerEntriesQueryVariables = Exact<{
  first: number;
  filter?: LedgerEntryFilter | null | undefined;
}>;


export type LedgerEntriesQuery = { readonly ledgerEntries: { readonly edges: ReadonlyArray<{ readonly node: { readonly kind: EntryKind, readonly amount: string, readonly requestId: string | null } }> } };

export type ConfigurationFragment = { readonly revision: string, readonly lastLook: { readonly ok: boolean, readonly revision: string | null, readonly diagnostics: ReadonlyArray<{ readonly code: string, readonly message: string, readonly file: string, readonly line: number, readonly isError: boolean }> }, readonly rejections: ReadonlyArray<{ readonly revision: string, readonly instead: string, readonly reason: string, readonly actor: string }>, readonly overrides: ReadonlyArray<{ readonly channel: string, readonly aspect: Aspect, readonly value: number, readonly until: string, readonly reason: string, readonly actor: string }> };

export type ConfigQueryVariables = Exact<{ [key: string]: never; }>;


export type ConfigQuery = { readonly config: { readonly revision: string, readonly lastLook: { readonly ok: boolean, readonly revision: string | null, readonly diagnostics: ReadonlyArray<{ readonly code: string, readonly message: string, readonly file: string, readonly line: number, readonly isError: boolean }> }, readonly rejections: ReadonlyArray<{ readonly revision: string, readonly instead: string, readonly reason: string, readonly actor: string }>, readonly overrides: ReadonlyArray<{ readonly channel: string, readonly aspect: Aspect, readonly value: number, readonly until: string, readonly reason: string, readonly actor: string }> } };

export type ReloadMutationVariables = Exact<{
  input: ReloadInput;
}>;


export type ReloadMutation = { readonly reload: { readonly config: { readonly revision: string, readonly lastLook: { readonly ok: boolean, readonly revision: string | null, readonly diagnostics: ReadonlyArray<{ readonly code: string, readonly message: string, readonly file: string, readonly line: number, readonly isError: boolean }> }, readonly rejections: ReadonlyArray<{ readonly revision: string, readonly instead: string, readonly reason: string, readonly actor: string }>, readonly overrides: ReadonlyArray<{ readonly channel: string, readonly aspect: Aspect, readonly value: number, readonly until: string, readonly reason: string, readonly actor: string }> } | null, readonly errors: ReadonlyArray<{ readonly code: string, readonly message: string, readonly path: ReadonlyArray<string>, readonly parameters: ReadonlyArray<{ readonly name: string, readonly value: string }> }> } };

export type PlanQueryVariables = Exact<{
  input: PlanInput;
}>;


export type PlanQuery = { readonly plan: { readonly before: string, readonly after: string, readonly isServable: boolean, readonly isEmpty: boolean, readonly diagnostics: ReadonlyArray<{ readonly code: string, readonly message: string, readonly file: string, readonly line: number, readonly isError: boolean }>, readonly sections: ReadonlyArray<{ readonly title: string, readonly header: ReadonlyArray<string>, readonly rows: ReadonlyArray<ReadonlyArray<string>> }> } };

export type ChannelQueryVariables = Exact<{
  name: string;
}>;


export type ChannelQuery = { readonly channel: { readonly id: string, readonly name: string, readonly weight: number, readonly isIll: boolean, readonly overrides: ReadonlyArray<{ readonly id: string, readonly aspect: Aspect, readonly value: number }> } | null };

export type ChannelOverrideMutationVariables = Exact<{
  input: ChannelOverrideInput;
}>;


export type ChannelOverrideMutation = { readonly channelOverride: { readonly override: { readonly id: string, readonly aspect: Aspect, readonly value: number, readonly at: string, readonly until: string } | null, readonly errors: ReadonlyArray<{ readonly code: string, readonly message: string, readonly path: ReadonlyArray<string>, readonly parameters: ReadonlyArray<{ readonly name: string, readonly value: string }> }> } };

export type ChannelOverrideDropMutationVariables = Exact<{
  input: ChannelOverrideDropInput;
}>;


export type ChannelOverrideDropMutation = { readonly channelOverrideDrop: { readonly override: { readonly id: string } | null, readonly errors: ReadonlyArray<{ readonly code: string, readonly message: string, readonly path: ReadonlyArray<string>, readonly parameters: ReadonlyArray<{ readonly name: string, readonly value: string }> }> } };

export type ExplainRequestQueryVariables = Exact<{
  id: string;
}>;


export type ExplainRequestQuery = { readonly explainRequest: { readonly requestId: string, readonly revision: string, readonly charge: string, readonly text: string, readonly quote: { readonly total: string, readonly isWhole: boolean, readonly lines: ReadonlyArray<{ readonly unit: Unit, readonly count: string, readonly per: string, readonly listed: string, readonly amount: string }>, readonly factors: ReadonlyArray<{ readonly factor: string, readonly group: string | null, readonly rule: string | null }> } | null, readonly now: { readonly candidates: ReadonlyArray<{ readonly channel: string, readonly upstreamModel: string }>, readonly refusal: { readonly code: string, readonly message: string } | null } | null } | null };

export type RollbackMutationVariables = Exact<{
  input: RollbackInput;
}>;


export type RollbackMutation = { readonly rollback: { readonly isServed: boolean, readonly rejection: { readonly revision: string, readonly instead: string, readonly reason: string, readonly actor: string } | null, readonly config: { readonly revision: string } | null, readonly errors: ReadonlyArray<{ readonly code: string, readonly message: string, readonly path: ReadonlyArray<string>, readonly parameters: ReadonlyArray<{ readonly name: string, readonly value: string }> }> } };

export type RollbackLiftMutationVariables = Exact<{
  input: RollbackLiftInput;
}>;


export type RollbackLiftMutation = { readonly rollbackLift: { readonly revisions: ReadonlyArray<string>, readonly errors: ReadonlyArray<{ readonly code: string, readonly message: string, readonly path: ReadonlyArray<string>, readonly parameters: ReadonlyArray<{ readonly name: string, readonly value: string }> }> } };

export type CodeBatchCreateMutationVariables = Exact<{
  input: CodeBatchCreateInput;
}>;


export type CodeBatchCreateMutation = { readonly codeBatchCreate: { readonly codes: ReadonlyArray<string> | null, readonly batch: { readonly id: string, readonly name: string } | null, readonly errors: ReadonlyArray<{ readonly code: string, readonly message: string, readonly path: ReadonlyArray<string>, readonly parameters: ReadonlyArray<{ readonly name: string, readonly value: string }> }> } };

export type RevisionChangedSubscriptionVariables = Exact<{ [key: string]: never; }>;


export type RevisionChangedSubscription = { readonly revisionChanged: { readonly revision: string, readonly lastLook: { readonly ok: boolean, readonly revision: string | null, readonly diagnostics: ReadonlyArray<{ readonly code: string, readonly message: string, readonly file: string, readonly line: number, readonly isError: boolean }> }, readonly rejections: ReadonlyArray<{ readonly revision: string, readonly instead: string, readonly reason: string, readonly actor: string }>, readonly overrides: ReadonlyArray<{ readonly channel: string, readonly aspect: Aspect, readonly value: number, readonly until: string, readonly reason: string, readonly actor: string }> } };

export class TypedDocumentString<TResult, TVariables>
  extends String
  implements DocumentTypeDecoration<TResult, TVariables>
{
  __apiType?: NonNullable<DocumentTypeDecoration<TResult, TVariables>['__apiType']>;
  private value: string;
  public __meta__?: Record<string, any> | undefined;

  constructor(value: string, __meta__?: Record<string, any> | undefined) {
    super(value);
    this.value = value;
    this.__meta__ = __meta__;
  }

  override toString(): string & DocumentTypeDecoration<TResult, TVariables> {
    return this.value;
  }
}
export const FailureFragmentDoc = new TypedDocumentString(`
    fragment Failure on UserError {
  code
  message
  path
  parameters {
    name
    value
  }
}
    `, {"fragmentName":"Failure"}) as unknown as TypedDocumentString<FailureFragment, unknown>;
export const MoneyFragmentDoc = new TypedDocumentString(`
    fragment Money on Balance {
  total
  held
  lent
  available
  spendable
}
    `, {"fragmentName":"Money"}) as unknown as TypedDocumentString<MoneyFragment, unknown>;
export const PriceFragmentDoc = new TypedDocumentString(`
    fragment Price on Quoted {
  lines {
    unit
    count
    per
    listed
    amount
  }
  factors {
    factor
    group
    rule
  }
  total
  isWhole
}
    `, {"fragmentName":"Price"}) as unknown as TypedDocumentString<PriceFragment, unknown>;
export const CallFragmentDoc = new TypedDocumentString(`
    fragment Call on RequestLog {
  requestId
  at
  model
  outcome
  charge
  quote {
    ...Price
  }
  inputTokens
  outputTokens
  token {
    name
  }
}
    fragment Price on Quoted {
  lines {
    unit
    count
    per
    listed
    amount
  }
  factors {
    factor
    group
    rule
  }
  total
  isWhole
}`, {"fragmentName":"Call"}) as unknown as TypedDocumentString<CallFragment, unknown>;
export const ConfigurationFragmentDoc = new TypedDocumentString(`
    fragment Configuration on Config {
  revision
  lastLook {
    ok
    revision
    diagnostics {
      code
      message
      file
      line
      isError
    }
  }
  rejections {
    revision
    instead
    reason
    actor
  }
  overrides {
    channel
    aspect
    value
    until
    reason
    actor
  }
}
    `, {"fragmentName":"Configuration"}) as unknown as TypedDocumentString<ConfigurationFragment, unknown>;
export const SignInOptionsDocument = new TypedDocumentString(`
    query SignInOptions {
  signInOptions {
    name
    currency
    password
    registration {
      open
      email
    }
  }
}
    `) as unknown as TypedDocumentString<SignInOptionsQuery, SignInOptionsQueryVariables>;
export const RegisterDocument = new TypedDocumentString(`
    mutation Register($input: RegisterInput!) {
  register(input: $input) {
    mustVerify
    viewer {
      user {
        name
      }
    }
    errors {
      ...Failure
    }
  }
}
    fragment Failure on UserError {
  code
  message
  path
  parameters {
    name
    value
  }
}`) as unknown as TypedDocumentString<RegisterMutation, RegisterMutationVariables>;
export const EmailVerifyDocument = new TypedDocumentString(`
    mutation EmailVerify($input: EmailVerifyInput!) {
  emailVerify(input: $input) {
    done
    errors {
      ...Failure
    }
  }
}
    fragment Failure on UserError {
  code
  message
  path
  parameters {
    name
    value
  }
}`) as unknown as TypedDocumentString<EmailVerifyMutation, EmailVerifyMutationVariables>;
export const SignInDocument = new TypedDocumentString(`
    mutation SignIn($input: SignInInput!) {
  signIn(input: $input) {
    viewer {
      user {
        id
        name
      }
    }
    challenge
    factors
    errors {
      ...Failure
    }
  }
}
    fragment Failure on UserError {
  code
  message
  path
  parameters {
    name
    value
  }
}`) as unknown as TypedDocumentString<SignInMutation, SignInMutationVariables>;
export const SignInFinishDocument = new TypedDocumentString(`
    mutation SignInFinish($input: SignInFinishInput!) {
  signInFinish(input: $input) {
    viewer {
      user {
        id
        name
      }
    }
    errors {
      ...Failure
    }
  }
}
    fragment Failure on UserError {
  code
  message
  path
  parameters {
    name
    value
  }
}`) as unknown as TypedDocumentString<SignInFinishMutation, SignInFinishMutationVariables>;
export const SignOutDocument = new TypedDocumentString(`
    mutation SignOut {
  signOut {
    done
    errors {
      ...Failure
    }
  }
}
    fragment Failure on UserError {
  code
  message
  path
  parameters {
    name
    value
  }
}`) as unknown as TypedDocumentString<SignOutMutation, SignOutMutationVariables>;
export const SignOutEverywhereDocument = new TypedDocumentString(`
    mutation SignOutEverywhere {
  signOutEverywhere {
    done
    errors {
      ...Failure
    }
  }
}
    fragment Failure on UserError {
  code
  message
  path
  parameters {
    name
    value
  }
}`) as unknown as TypedDocumentString<SignOutEverywhereMutation, SignOutEverywhereMutationVariables>;
export const StepUpDocument = new TypedDocumentString(`
    mutation StepUp($input: StepUpInput!) {
  stepUp(input: $input) {
    until
    errors {
      ...Failure
    }
  }
}
    fragment Failure on UserError {
  code
  message
  path
  parameters {
    name
    value
  }
}`) as unknown as TypedDocumentString<StepUpMutation, StepUpMutationVariables>;
export const TotpSetupDocument = new TypedDocumentString(`
    mutation TotpSetup($input: TotpSetupInput!) {
  totpSetup(input: $input) {
    id
    uri
    secret
    errors {
      ...Failure
    }
  }
}
    fragment Failure on UserError {
  code
  message
  path
  parameters {
    name
    value
  }
}`) as unknown as TypedDocumentString<TotpSetupMutation, TotpSetupMutationVariables>;
export const TotpConfirmDocument = new TypedDocumentString(`
    mutation TotpConfirm($input: TotpConfirmInput!) {
  totpConfirm(input: $input) {
    factor {
      kind
      name
    }
    backupCodes
    errors {
      ...Failure
    }
  }
}
    fragment Failure on UserError {
  code
  message
  path
  parameters {
    name
    value
  }
}`) as unknown as TypedDocumentString<TotpConfirmMutation, TotpConfirmMutationVariables>;
export const MeDocument = new TypedDocumentString(`
    query Me {
  viewer {
    user {
      name
      email
      emailVerifiedAt
      role
      group
    }
    balance {
      ...Money
    }
    sessions {
      method
      isCurrent
    }
    secondFactors {
      kinds
      backupCodes
    }
  }
}
    fragment Money on Balance {
  total
  held
  lent
  available
  spendable
}`) as unknown as TypedDocumentString<MeQuery, MeQueryVariables>;
export const CodeRedeemDocument = new TypedDocumentString(`
    mutation CodeRedeem($input: CodeRedeemInput!) {
  codeRedeem(input: $input) {
    amount
    balance {
      ...Money
    }
    errors {
      ...Failure
    }
  }
}
    fragment Failure on UserError {
  code
  message
  path
  parameters {
    name
    value
  }
}
fragment Money on Balance {
  total
  held
  lent
  available
  spendable
}`) as unknown as TypedDocumentString<CodeRedeemMutation, CodeRedeemMutationVariables>;
export const TokensDocument = new TypedDocumentString(`
    query Tokens($first: Int!, $after: String, $filter: TokenFilter) {
  tokens(first: $first, after: $after, filter: $filter) {
    edges {
      node {
        id
        name
        hint
        status
        models
        spent
        budget
        lastUsedAt
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
    `) as unknown as TypedDocumentString<TokensQuery, TokensQueryVariables>;
export const TokenCreateDocument = new TypedDocumentString(`
    mutation TokenCreate($input: TokenCreateInput!) {
  tokenCreate(input: $input) {
    secret
    token {
      id
      name
      hint
      status
      models
    }
    errors {
      ...Failure
    }
  }
}
    fragment Failure on UserError {
  code
  message
  path
  parameters {
    name
    value
  }
}`) as unknown as TypedDocumentString<TokenCreateMutation, TokenCreateMutationVariables>;
export const RequestLogsDocument = new TypedDocumentString(`
    query RequestLogs($first: Int!, $after: String, $filter: RequestLogFilter!) {
  requestLogs(first: $first, after: $after, filter: $filter) {
    edges {
      node {
        ...Call
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
    fragment Price on Quoted {
  lines {
    unit
    count
    per
    listed
    amount
  }
  factors {
    factor
    group
    rule
  }
  total
  isWhole
}
fragment Call on RequestLog {
  requestId
  at
  model
  outcome
  charge
  quote {
    ...Price
  }
  inputTokens
  outputTokens
  token {
    name
  }
}`) as unknown as TypedDocumentString<RequestLogsQuery, RequestLogsQueryVariables>;
export const RequestLogTailDocument = new TypedDocumentString(`
    subscription RequestLogTail($filter: RequestLogTailFilter) {
  requestLogTail(filter: $filter) {
    logs {
      ...Call
    }
    missed
  }
}
    fragment Price on Quoted {
  lines {
    unit
    count
    per
    listed
    amount
  }
  factors {
    factor
    group
    rule
  }
  total
  isWhole
}
fragment Call on RequestLog {
  requestId
  at
  model
  outcome
  charge
  quote {
    ...Price
  }
  inputTokens
  outputTokens
  token {
    name
  }
}`) as unknown as TypedDocumentString<RequestLogTailSubscription, RequestLogTailSubscriptionVariables>;
export const BalanceChangedDocument = new TypedDocumentString(`
    subscription BalanceChanged {
  balanceChanged {
    ...Money
  }
}
    fragment Money on Balance {
  total
  held
  lent
  available
  spendable
}`) as unknown as TypedDocumentString<BalanceChangedSubscription, BalanceChangedSubscriptionVariables>;
export const RequestLogExportUrlDocument = new TypedDocumentString(`
    query RequestLogExportUrl($filter: RequestLogFilter!, $format: ExportFormat!) {
  requestLogExportUrl(filter: $filter, format: $format)
}
    `) as unknown as TypedDocumentString<RequestLogExportUrlQuery, RequestLogExportUrlQueryVariables>;
export const LedgerEntriesDocument = new TypedDocumentString(`
    query LedgerEntries($first: Int!, $filter: LedgerEntryFilter) {
  ledgerEntries(first: $first, filter: $filter) {
    edges {
      node {
        kind
        amount
        requestId
      }
    }
  }
}
    `) as unknown as TypedDocumentString<LedgerEntriesQuery, LedgerEntriesQueryVariables>;
export const ConfigDocument = new TypedDocumentString(`
    query Config {
  config {
    ...Configuration
  }
}
    fragment Configuration on Config {
  revision
  lastLook {
    ok
    revision
    diagnostics {
      code
      message
      file
      line
      isError
    }
  }
  rejections {
    revision
    instead
    reason
    actor
  }
  overrides {
    channel
    aspect
    value
    until
    reason
    actor
  }
}`) as unknown as TypedDocumentString<ConfigQuery, ConfigQueryVariables>;
export const ReloadDocument = new TypedDocumentString(`
    mutation Reload($input: ReloadInput!) {
  reload(input: $input) {
    config {
      ...Configuration
    }
    errors {
      ...Failure
    }
  }
}
    fragment Failure on UserError {
  code
  message
  path
  parameters {
    name
    value
  }
}
fragment Configuration on Config {
  revision
  lastLook {
    ok
    revision
    diagnostics {
      code
      message
      file
      line
      isError
    }
  }
  rejections {
    revision
    instead
    reason
    actor
  }
  overrides {
    channel
    aspect
    value
    until
    reason
    actor
  }
}`) as unknown as TypedDocumentString<ReloadMutation, ReloadMutationVariables>;
export const PlanDocument = new TypedDocumentString(`
    query Plan($input: PlanInput!) {
  plan(input: $input) {
    before
    after
    isServable
    isEmpty
    diagnostics {
      code
      message
      file
      line
      isError
    }
    sections {
      title
      header
      rows
    }
  }
}
    `) as unknown as TypedDocumentString<PlanQuery, PlanQueryVariables>;
export const ChannelDocument = new TypedDocumentString(`
    query Channel($name: String!) {
  channel(name: $name) {
    id
    name
    weight
    isIll
    overrides {
      id
      aspect
      value
    }
  }
}
    `) as unknown as TypedDocumentString<ChannelQuery, ChannelQueryVariables>;
export const ChannelOverrideDocument = new TypedDocumentString(`
    mutation ChannelOverride($input: ChannelOverrideInput!) {
  channelOverride(input: $input) {
    override {
      id
      aspect
      value
      at
      until
    }
    errors {
      ...Failure
    }
  }
}
    fragment Failure on UserError {
  code
  message
  path
  parameters {
    name
    value
  }
}`) as unknown as TypedDocumentString<ChannelOverrideMutation, ChannelOverrideMutationVariables>;
export const ChannelOverrideDropDocument = new TypedDocumentString(`
    mutation ChannelOverrideDrop($input: ChannelOverrideDropInput!) {
  channelOverrideDrop(input: $input) {
    override {
      id
    }
    errors {
      ...Failure
    }
  }
}
    fragment Failure on UserError {
  code
  message
  path
  parameters {
    name
    value
  }
}`) as unknown as TypedDocumentString<ChannelOverrideDropMutation, ChannelOverrideDropMutationVariables>;
export const ExplainRequestDocument = new TypedDocumentString(`
    query ExplainRequest($id: ID!) {
  explainRequest(id: $id) {
    requestId
    revision
    charge
    quote {
      ...Price
    }
    text
    now {
      candidates {
        channel
        upstreamModel
      }
      refusal {
        code
        message
      }
    }
  }
}
    fragment Price on Quoted {
  lines {
    unit
    count
    per
    listed
    amount
  }
  factors {
    factor
    group
    rule
  }
  total
  isWhole
}`) as unknown as TypedDocumentString<ExplainRequestQuery, ExplainRequestQueryVariables>;
export const RollbackDocument = new TypedDocumentString(`
    mutation Rollback($input: RollbackInput!) {
  rollback(input: $input) {
    rejection {
      revision
      instead
      reason
      actor
    }
    isServed
    config {
      revision
    }
    errors {
      ...Failure
    }
  }
}
    fragment Failure on UserError {
  code
  message
  path
  parameters {
    name
    value
  }
}`) as unknown as TypedDocumentString<RollbackMutation, RollbackMutationVariables>;
export const RollbackLiftDocument = new TypedDocumentString(`
    mutation RollbackLift($input: RollbackLiftInput!) {
  rollbackLift(input: $input) {
    revisions
    errors {
      ...Failure
    }
  }
}
    fragment Failure on UserError {
  code
  message
  path
  parameters {
    name
    value
  }
}`) as unknown as TypedDocumentString<RollbackLiftMutation, RollbackLiftMutationVariables>;
export const CodeBatchCreateDocument = new TypedDocumentString(`
    mutation CodeBatchCreate($input: CodeBatchCreateInput!) {
  codeBatchCreate(input: $input) {
    batch {
      id
      name
    }
    codes
    errors {
      ...Failure
    }
  }
}
    fragment Failure on UserError {
  code
  message
  path
  parameters {
    name
    value
  }
}`) as unknown as TypedDocumentString<CodeBatchCreateMutation, CodeBatchCreateMutationVariables>;
export const RevisionChangedDocument = new TypedDocumentString(`
    subscription RevisionChanged {
  revisionChanged {
    ...Configuration
  }
}
    fragment Configuration on Config {
  revision
  lastLook {
    ok
    revision
    diagnostics {
      code
      message
      file
      line
      isError
    }
  }
  rejections {
    revision
    instead
    reason
    actor
  }
  overrides {
    channel
    aspect
    value
    until
    reason
    actor
  }
}`) as unknown as TypedDocumentString<RevisionChangedSubscription, RevisionChangedSubscriptionVariables>;