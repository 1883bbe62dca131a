"""Generated from schema.graphql and console/src/operations.graphql by generator.py beside this file."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from msgspec import UNSET, Struct, UnsetType

from support.console_client.transport import BigInt, Document, Transport


class Part(Struct, frozen=True, kw_only=True, rename="camel"):
    """A part of an answer."""


class Given(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What is given with an operation: what is left out stays out, None is null."""


class EmailRule(StrEnum):
    NONE = "NONE"
    OPTIONAL = "OPTIONAL"
    REQUIRED = "REQUIRED"


class SignInOptionsRegistration(Part, frozen=True, kw_only=True):
    open: bool
    email: EmailRule


class SignInOptionsResult(Part, frozen=True, kw_only=True):
    name: str
    currency: str
    password: bool
    registration: SignInOptionsRegistration


class SignInOptionsAnswer(Part, frozen=True, kw_only=True):
    sign_in_options: SignInOptionsResult


class RegisterViewerUser(Part, frozen=True, kw_only=True):
    name: str


class RegisterViewer(Part, frozen=True, kw_only=True):
    user: RegisterViewerUser


class FailureParameters(Part, frozen=True, kw_only=True):
    name: str
    value: str


class Failure(Part, frozen=True, kw_only=True):
    code: str
    message: str
    path: tuple[str, ...]
    parameters: tuple[FailureParameters, ...]


class RegisterResult(Part, frozen=True, kw_only=True):
    must_verify: bool | None
    viewer: RegisterViewer | None
    errors: tuple[Failure, ...]


class RegisterAnswer(Part, frozen=True, kw_only=True):
    register: RegisterResult


class Language(StrEnum):
    CHINESE = "CHINESE"
    ENGLISH = "ENGLISH"


class RegisterInput(Given, frozen=True, kw_only=True):
    display_name: str | UnsetType = UNSET
    email: str | UnsetType | None = UNSET
    invitation: str | UnsetType | None = UNSET
    language: Language | UnsetType | None = UNSET
    name: str
    password: str


class EmailVerifyResult(Part, frozen=True, kw_only=True):
    done: bool
    errors: tuple[Failure, ...]


class EmailVerifyAnswer(Part, frozen=True, kw_only=True):
    email_verify: EmailVerifyResult


class EmailVerifyInput(Given, frozen=True, kw_only=True):
    code: str | UnsetType | None = UNSET
    email: str | UnsetType | None = UNSET
    invitation: str | UnsetType | None = UNSET
    secret: str | UnsetType | None = UNSET


class SignInViewerUser(Part, frozen=True, kw_only=True):
    id: str
    name: str


class SignInViewer(Part, frozen=True, kw_only=True):
    user: SignInViewerUser


class FactorKind(StrEnum):
    BACKUP = "BACKUP"
    PASSKEY = "PASSKEY"
    TOTP = "TOTP"


class SignInResult(Part, frozen=True, kw_only=True):
    viewer: SignInViewer | None
    challenge: str | None
    factors: tuple[FactorKind, ...]
    errors: tuple[Failure, ...]


class SignInAnswer(Part, frozen=True, kw_only=True):
    sign_in: SignInResult


class SignInInput(Given, frozen=True, kw_only=True):
    login: str
    password: str


class SignInFinishViewerUser(Part, frozen=True, kw_only=True):
    id: str
    name: str


class SignInFinishViewer(Part, frozen=True, kw_only=True):
    user: SignInFinishViewerUser


class SignInFinishResult(Part, frozen=True, kw_only=True):
    viewer: SignInFinishViewer | None
    errors: tuple[Failure, ...]


class SignInFinishAnswer(Part, frozen=True, kw_only=True):
    sign_in_finish: SignInFinishResult


class SignInFinishInput(Given, frozen=True, kw_only=True):
    challenge: str
    code: str
    kind: FactorKind


class SignOutResult(Part, frozen=True, kw_only=True):
    done: bool
    errors: tuple[Failure, ...]


class SignOutAnswer(Part, frozen=True, kw_only=True):
    sign_out: SignOutResult


class SignOutEverywhereResult(Part, frozen=True, kw_only=True):
    done: bool
    errors: tuple[Failure, ...]


class SignOutEverywhereAnswer(Part, frozen=True, kw_only=True):
    sign_out_everywhere: SignOutEverywhereResult


class StepUpResult(Part, frozen=True, kw_only=True):
    until: datetime | None
    errors: tuple[Failure, ...]


class StepUpAnswer(Part, frozen=True, kw_only=True):
    step_up: StepUpResult


class StepUpInput(Given, frozen=True, kw_only=True):
    code: str | UnsetType | None = UNSET
    kind: FactorKind | UnsetType | None = UNSET
    password: str | UnsetType | None = UNSET


class TotpSetupResult(Part, frozen=True, kw_only=True):
    id: str | None
    uri: str | None
    secret: str | None
    errors: tuple[Failure, ...]


class TotpSetupAnswer(Part, frozen=True, kw_only=True):
    totp_setup: TotpSetupResult


class TotpSetupInput(Given, frozen=True, kw_only=True):
    name: str | UnsetType = UNSET


class TotpConfirmFactor(Part, frozen=True, kw_only=True):
    kind: FactorKind
    name: str


class TotpConfirmResult(Part, frozen=True, kw_only=True):
    factor: TotpConfirmFactor | None
    backup_codes: tuple[str, ...] | None
    errors: tuple[Failure, ...]


class TotpConfirmAnswer(Part, frozen=True, kw_only=True):
    totp_confirm: TotpConfirmResult


class TotpConfirmInput(Given, frozen=True, kw_only=True):
    code: str
    id: str


class Role(StrEnum):
    ADMIN = "ADMIN"
    ROOT = "ROOT"
    USER = "USER"


class MeUser(Part, frozen=True, kw_only=True):
    name: str
    email: str | None
    email_verified_at: datetime | None
    role: Role
    group: str


class Money(Part, frozen=True, kw_only=True):
    total: Decimal
    held: Decimal
    lent: Decimal
    available: Decimal
    spendable: Decimal


class MeSessions(Part, frozen=True, kw_only=True):
    method: str
    is_current: bool


class MeSecondFactors(Part, frozen=True, kw_only=True):
    kinds: tuple[FactorKind, ...]
    backup_codes: int


class MeResult(Part, frozen=True, kw_only=True):
    user: MeUser
    balance: Money
    sessions: tuple[MeSessions, ...] | None
    second_factors: MeSecondFactors | None


class MeAnswer(Part, frozen=True, kw_only=True):
    viewer: MeResult | None


class CodeRedeemResult(Part, frozen=True, kw_only=True):
    amount: Decimal | None
    balance: Money | None
    errors: tuple[Failure, ...]


class CodeRedeemAnswer(Part, frozen=True, kw_only=True):
    code_redeem: CodeRedeemResult


class CodeRedeemInput(Given, frozen=True, kw_only=True):
    code: str
    idempotency_key: str | UnsetType | None = UNSET


class Status(StrEnum):
    ACTIVE = "ACTIVE"
    DISABLED = "DISABLED"


class TokensEdgesNode(Part, frozen=True, kw_only=True):
    id: str
    name: str
    hint: str
    status: Status
    models: tuple[str, ...]
    spent: Decimal
    budget: Decimal | None
    last_used_at: datetime | None


class TokensEdges(Part, frozen=True, kw_only=True):
    node: TokensEdgesNode


class TokensPageInfo(Part, frozen=True, kw_only=True):
    has_next_page: bool
    end_cursor: str | None


class TokensResult(Part, frozen=True, kw_only=True):
    edges: tuple[TokensEdges, ...]
    page_info: TokensPageInfo


class TokensAnswer(Part, frozen=True, kw_only=True):
    tokens: TokensResult


class TokenFilter(Given, frozen=True, kw_only=True):
    everyone: bool | UnsetType = UNSET
    search: str | UnsetType | None = UNSET
    status: Status | UnsetType | None = UNSET
    user: str | UnsetType | None = UNSET


class TokenCreateToken(Part, frozen=True, kw_only=True):
    id: str
    name: str
    hint: str
    status: Status
    models: tuple[str, ...]


class TokenCreateResult(Part, frozen=True, kw_only=True):
    secret: str | None
    token: TokenCreateToken | None
    errors: tuple[Failure, ...]


class TokenCreateAnswer(Part, frozen=True, kw_only=True):
    token_create: TokenCreateResult


class TagInput(Given, frozen=True, kw_only=True):
    name: str
    value: str


class TokenLimitsInput(Given, frozen=True, kw_only=True):
    budget: Decimal | UnsetType | None = UNSET
    expires_at: datetime | UnsetType | None = UNSET
    group: str | UnsetType | None = UNSET
    models: tuple[str, ...] | UnsetType | None = UNSET
    networks: tuple[str, ...] | UnsetType | None = UNSET
    tags: tuple[TagInput, ...] | UnsetType | None = UNSET


class TokenCreateInput(Given, frozen=True, kw_only=True):
    idempotency_key: str
    limits: TokenLimitsInput | UnsetType | None = UNSET
    name: str | UnsetType = UNSET
    user: str | UnsetType | None = UNSET


class Unit(StrEnum):
    AUDIO_INPUT = "AUDIO_INPUT"
    AUDIO_OUTPUT = "AUDIO_OUTPUT"
    CACHE_READ = "CACHE_READ"
    CACHE_WRITE = "CACHE_WRITE"
    CACHE_WRITE_1H = "CACHE_WRITE_1H"
    CALL = "CALL"
    CHARACTER = "CHARACTER"
    IMAGE = "IMAGE"
    IMAGE_INPUT = "IMAGE_INPUT"
    IMAGE_OUTPUT = "IMAGE_OUTPUT"
    INPUT = "INPUT"
    OUTPUT = "OUTPUT"
    REASONING = "REASONING"
    SEARCH = "SEARCH"
    SECOND = "SECOND"


class PriceLines(Part, frozen=True, kw_only=True):
    unit: Unit
    count: BigInt
    per: BigInt
    listed: str
    amount: str


class PriceFactors(Part, frozen=True, kw_only=True):
    factor: str
    group: str | None
    rule: str | None


class Price(Part, frozen=True, kw_only=True):
    lines: tuple[PriceLines, ...]
    factors: tuple[PriceFactors, ...]
    total: Decimal
    is_whole: bool


class CallToken(Part, frozen=True, kw_only=True):
    name: str


class Call(Part, frozen=True, kw_only=True):
    request_id: str
    at: datetime
    model: str | None
    outcome: str
    charge: Decimal
    quote: Price | None
    input_tokens: BigInt
    output_tokens: BigInt
    token: CallToken | None


class RequestLogsEdges(Part, frozen=True, kw_only=True):
    node: Call


class RequestLogsPageInfo(Part, frozen=True, kw_only=True):
    has_next_page: bool
    end_cursor: str | None


class RequestLogsResult(Part, frozen=True, kw_only=True):
    edges: tuple[RequestLogsEdges, ...]
    page_info: RequestLogsPageInfo


class RequestLogsAnswer(Part, frozen=True, kw_only=True):
    request_logs: RequestLogsResult


class RequestLogFilter(Given, frozen=True, kw_only=True):
    channel: str | UnsetType | None = UNSET
    everyone: bool | UnsetType = UNSET
    failed: bool | UnsetType = UNSET
    group: str | UnsetType | None = UNSET
    model: str | UnsetType | None = UNSET
    outcome: str | UnsetType | None = UNSET
    request_id: str | UnsetType | None = UNSET
    since: datetime
    token: str | UnsetType | None = UNSET
    until: datetime
    upstream_id: str | UnsetType | None = UNSET
    user: str | UnsetType | None = UNSET


class RequestLogTailResult(Part, frozen=True, kw_only=True):
    logs: tuple[Call, ...]
    missed: int


class RequestLogTailAnswer(Part, frozen=True, kw_only=True):
    request_log_tail: RequestLogTailResult


class RequestLogTailFilter(Given, frozen=True, kw_only=True):
    channel: str | UnsetType | None = UNSET
    everyone: bool | UnsetType = UNSET
    failed: bool | UnsetType = UNSET
    group: str | UnsetType | None = UNSET
    model: str | UnsetType | None = UNSET
    outcome: str | UnsetType | None = UNSET
    token: str | UnsetType | None = UNSET
    user: str | UnsetType | None = UNSET


class BalanceChangedAnswer(Part, frozen=True, kw_only=True):
    balance_changed: Money


class RequestLogExportUrlAnswer(Part, frozen=True, kw_only=True):
    request_log_export_url: str


class ExportFormat(StrEnum):
    CSV = "CSV"
    JSONL = "JSONL"


class EntryKind(StrEnum):
    ADJUSTMENT = "ADJUSTMENT"
    CHARGE = "CHARGE"
    GRANT = "GRANT"
    REDEMPTION = "REDEMPTION"
    REFUND = "REFUND"
    REWARD = "REWARD"
    TOPUP = "TOPUP"
    TRANSFER = "TRANSFER"


class LedgerEntriesEdgesNode(Part, frozen=True, kw_only=True):
    kind: EntryKind
    amount: Decimal
    request_id: str | None


class LedgerEntriesEdges(Part, frozen=True, kw_only=True):
    node: LedgerEntriesEdgesNode


class LedgerEntriesResult(Part, frozen=True, kw_only=True):
    edges: tuple[LedgerEntriesEdges, ...]


class LedgerEntriesAnswer(Part, frozen=True, kw_only=True):
    ledger_entries: LedgerEntriesResult


class LedgerEntryFilter(Given, frozen=True, kw_only=True):
    everyone: bool | UnsetType = UNSET
    kind: EntryKind | UnsetType | None = UNSET
    since: datetime | UnsetType | None = UNSET
    until: datetime | UnsetType | None = UNSET
    user: str | UnsetType | None = UNSET


class ConfigurationLastLookDiagnostics(Part, frozen=True, kw_only=True):
    code: str
    message: str
    file: str
    line: int
    is_error: bool


class ConfigurationLastLook(Part, frozen=True, kw_only=True):
    ok: bool
    revision: str | None
    diagnostics: tuple[ConfigurationLastLookDiagnostics, ...]


class ConfigurationRejections(Part, frozen=True, kw_only=True):
    revision: str
    instead: str
    reason: str
    actor: str


class Aspect(StrEnum):
    DISABLED = "DISABLED"
    PRIORITY = "PRIORITY"
    WEIGHT = "WEIGHT"


class ConfigurationOverrides(Part, frozen=True, kw_only=True):
    channel: str
    aspect: Aspect
    value: int
    until: datetime
    reason: str
    actor: str


class Configuration(Part, frozen=True, kw_only=True):
    revision: str
    last_look: ConfigurationLastLook
    rejections: tuple[ConfigurationRejections, ...]
    overrides: tuple[ConfigurationOverrides, ...]


class ConfigAnswer(Part, frozen=True, kw_only=True):
    config: Configuration


class ReloadResult(Part, frozen=True, kw_only=True):
    config: Configuration | None
    errors: tuple[Failure, ...]


class ReloadAnswer(Part, frozen=True, kw_only=True):
    reload: ReloadResult


class ReloadInput(Given, frozen=True, kw_only=True):
    only_here: bool | UnsetType = UNSET


class PlanDiagnostics(Part, frozen=True, kw_only=True):
    code: str
    message: str
    file: str
    line: int
    is_error: bool


class PlanSections(Part, frozen=True, kw_only=True):
    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class PlanResult(Part, frozen=True, kw_only=True):
    before: str
    after: str
    is_servable: bool
    is_empty: bool
    diagnostics: tuple[PlanDiagnostics, ...]
    sections: tuple[PlanSections, ...]


class PlanAnswer(Part, frozen=True, kw_only=True):
    plan: PlanResult


class DocumentInput(Given, frozen=True, kw_only=True):
    content: str | UnsetType | None = UNSET
    path: str


class PlanInput(Given, frozen=True, kw_only=True):
    documents: tuple[DocumentInput, ...]
    replay: timedelta | UnsetType | None = UNSET


class ChannelOverrides(Part, frozen=True, kw_only=True):
    id: str
    aspect: Aspect
    value: int


class ChannelResult(Part, frozen=True, kw_only=True):
    id: str
    name: str
    weight: int
    is_ill: bool
    overrides: tuple[ChannelOverrides, ...]


class ChannelAnswer(Part, frozen=True, kw_only=True):
    channel: ChannelResult | None


class ChannelOverrideOverride(Part, frozen=True, kw_only=True):
    id: str
    aspect: Aspect
    value: int
    at: datetime
    until: datetime


class ChannelOverrideResult(Part, frozen=True, kw_only=True):
    override: ChannelOverrideOverride | None
    errors: tuple[Failure, ...]


class ChannelOverrideAnswer(Part, frozen=True, kw_only=True):
    channel_override: ChannelOverrideResult


class ChannelOverrideInput(Given, frozen=True, kw_only=True):
    channel: str
    disabled: bool | UnsetType | None = UNSET
    dry_run: bool | UnsetType = UNSET
    lasting: timedelta | UnsetType | None = UNSET
    priority: int | UnsetType | None = UNSET
    reason: str
    until: datetime | UnsetType | None = UNSET
    weight: int | UnsetType | None = UNSET


class ChannelOverrideDropOverride(Part, frozen=True, kw_only=True):
    id: str


class ChannelOverrideDropResult(Part, frozen=True, kw_only=True):
    override: ChannelOverrideDropOverride | None
    errors: tuple[Failure, ...]


class ChannelOverrideDropAnswer(Part, frozen=True, kw_only=True):
    channel_override_drop: ChannelOverrideDropResult


class ChannelOverrideDropInput(Given, frozen=True, kw_only=True):
    id: str


class ExplainRequestNowCandidates(Part, frozen=True, kw_only=True):
    channel: str
    upstream_model: str


class ExplainRequestNowRefusal(Part, frozen=True, kw_only=True):
    code: str
    message: str


class ExplainRequestNow(Part, frozen=True, kw_only=True):
    candidates: tuple[ExplainRequestNowCandidates, ...]
    refusal: ExplainRequestNowRefusal | None


class ExplainRequestResult(Part, frozen=True, kw_only=True):
    request_id: str
    revision: str
    charge: Decimal
    quote: Price | None
    text: str
    now: ExplainRequestNow | None


class ExplainRequestAnswer(Part, frozen=True, kw_only=True):
    explain_request: ExplainRequestResult | None


class RollbackRejection(Part, frozen=True, kw_only=True):
    revision: str
    instead: str
    reason: str
    actor: str


class RollbackConfig(Part, frozen=True, kw_only=True):
    revision: str


class RollbackResult(Part, frozen=True, kw_only=True):
    rejection: RollbackRejection | None
    is_served: bool
    config: RollbackConfig | None
    errors: tuple[Failure, ...]


class RollbackAnswer(Part, frozen=True, kw_only=True):
    rollback: RollbackResult


class RollbackInput(Given, frozen=True, kw_only=True):
    dry_run: bool | UnsetType = UNSET
    reason: str
    revision: str | UnsetType | None = UNSET


class RollbackLiftResult(Part, frozen=True, kw_only=True):
    revisions: tuple[str, ...]
    errors: tuple[Failure, ...]


class RollbackLiftAnswer(Part, frozen=True, kw_only=True):
    rollback_lift: RollbackLiftResult


class RollbackLiftInput(Given, frozen=True, kw_only=True):
    revision: str | UnsetType | None = UNSET


class CodeBatchCreateBatch(Part, frozen=True, kw_only=True):
    id: str
    name: str


class CodeBatchCreateResult(Part, frozen=True, kw_only=True):
    batch: CodeBatchCreateBatch | None
    codes: tuple[str, ...] | None
    errors: tuple[Failure, ...]


class CodeBatchCreateAnswer(Part, frozen=True, kw_only=True):
    code_batch_create: CodeBatchCreateResult


class CodeBatchCreateInput(Given, frozen=True, kw_only=True):
    amount: Decimal
    count: int
    expires_at: datetime | UnsetType | None = UNSET
    idempotency_key: str
    name: str


class RevisionChangedAnswer(Part, frozen=True, kw_only=True):
    revision_changed: Configuration


SIGN_IN_OPTIONS_DOCUMENT = Document(
    SignInOptionsAnswer,
    """
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
""",
)


REGISTER_DOCUMENT = Document(
    RegisterAnswer,
    """
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
}
""",
)


EMAIL_VERIFY_DOCUMENT = Document(
    EmailVerifyAnswer,
    """
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
}
""",
)


SIGN_IN_DOCUMENT = Document(
    SignInAnswer,
    """
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
}
""",
)


SIGN_IN_FINISH_DOCUMENT = Document(
    SignInFinishAnswer,
    """
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
}
""",
)


SIGN_OUT_DOCUMENT = Document(
    SignOutAnswer,
    """
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
}
""",
)


SIGN_OUT_EVERYWHERE_DOCUMENT = Document(
    SignOutEverywhereAnswer,
    """
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
}
""",
)


STEP_UP_DOCUMENT = Document(
    StepUpAnswer,
    """
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
}
""",
)


TOTP_SETUP_DOCUMENT = Document(
    TotpSetupAnswer,
    """
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
}
""",
)


TOTP_CONFIRM_DOCUMENT = Document(
    TotpConfirmAnswer,
    """
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
}
""",
)


ME_DOCUMENT = Document(
    MeAnswer,
    """
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
}
""",
)


CODE_REDEEM_DOCUMENT = Document(
    CodeRedeemAnswer,
    """
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

fragment Money on Balance {
  total
  held
  lent
  available
  spendable
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
""",
)


TOKENS_DOCUMENT = Document(
    TokensAnswer,
    """
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
""",
)


TOKEN_CREATE_DOCUMENT = Document(
    TokenCreateAnswer,
    """
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
}
""",
)


REQUEST_LOGS_DOCUMENT = Document(
    RequestLogsAnswer,
    """
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
}
""",
)


REQUEST_LOG_TAIL_DOCUMENT = Document(
    RequestLogTailAnswer,
    """
subscription RequestLogTail($filter: RequestLogTailFilter) {
  requestLogTail(filter: $filter) {
    logs {
      ...Call
    }
    missed
  }
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
""",
)


BALANCE_CHANGED_DOCUMENT = Document(
    BalanceChangedAnswer,
    """
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
}
""",
)


REQUEST_LOG_EXPORT_URL_DOCUMENT = Document(
    RequestLogExportUrlAnswer,
    """
query RequestLogExportUrl($filter: RequestLogFilter!, $format: ExportFormat!) {
  requestLogExportUrl(filter: $filter, format: $format)
}
""",
)


LEDGER_ENTRIES_DOCUMENT = Document(
    LedgerEntriesAnswer,
    """
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
""",
)


CONFIG_DOCUMENT = Document(
    ConfigAnswer,
    """
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
}
""",
)


RELOAD_DOCUMENT = Document(
    ReloadAnswer,
    """
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

fragment Failure on UserError {
  code
  message
  path
  parameters {
    name
    value
  }
}
""",
)


PLAN_DOCUMENT = Document(
    PlanAnswer,
    """
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
""",
)


CHANNEL_DOCUMENT = Document(
    ChannelAnswer,
    """
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
""",
)


CHANNEL_OVERRIDE_DOCUMENT = Document(
    ChannelOverrideAnswer,
    """
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
}
""",
)


CHANNEL_OVERRIDE_DROP_DOCUMENT = Document(
    ChannelOverrideDropAnswer,
    """
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
}
""",
)


EXPLAIN_REQUEST_DOCUMENT = Document(
    ExplainRequestAnswer,
    """
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
}
""",
)


ROLLBACK_DOCUMENT = Document(
    RollbackAnswer,
    """
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
}
""",
)


ROLLBACK_LIFT_DOCUMENT = Document(
    RollbackLiftAnswer,
    """
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
}
""",
)


CODE_BATCH_CREATE_DOCUMENT = Document(
    CodeBatchCreateAnswer,
    """
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
}
""",
)


REVISION_CHANGED_DOCUMENT = Document(
    RevisionChangedAnswer,
    """
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
}
""",
)


class Api:
    """The operations, over any transport."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport

    async def sign_in_options(self) -> SignInOptionsResult:
        answer = await self.transport.execute(SIGN_IN_OPTIONS_DOCUMENT, {})
        return answer.sign_in_options

    async def register(self, input_: RegisterInput) -> RegisterResult:
        answer = await self.transport.execute(REGISTER_DOCUMENT, {"input": input_})
        return answer.register

    async def email_verify(self, input_: EmailVerifyInput) -> EmailVerifyResult:
        answer = await self.transport.execute(EMAIL_VERIFY_DOCUMENT, {"input": input_})
        return answer.email_verify

    async def sign_in(self, input_: SignInInput) -> SignInResult:
        answer = await self.transport.execute(SIGN_IN_DOCUMENT, {"input": input_})
        return answer.sign_in

    async def sign_in_finish(self, input_: SignInFinishInput) -> SignInFinishResult:
        answer = await self.transport.execute(SIGN_IN_FINISH_DOCUMENT, {"input": input_})
        return answer.sign_in_finish

    async def sign_out(self) -> SignOutResult:
        answer = await self.transport.execute(SIGN_OUT_DOCUMENT, {})
        return answer.sign_out

    async def sign_out_everywhere(self) -> SignOutEverywhereResult:
        answer = await self.transport.execute(SIGN_OUT_EVERYWHERE_DOCUMENT, {})
        return answer.sign_out_everywhere

    async def step_up(self, input_: StepUpInput) -> StepUpResult:
        answer = await self.transport.execute(STEP_UP_DOCUMENT, {"input": input_})
        return answer.step_up

    async def totp_setup(self, input_: TotpSetupInput) -> TotpSetupResult:
        answer = await self.transport.execute(TOTP_SETUP_DOCUMENT, {"input": input_})
        return answer.totp_setup

    async def totp_confirm(self, input_: TotpConfirmInput) -> TotpConfirmResult:
        answer = await self.transport.execute(TOTP_CONFIRM_DOCUMENT, {"input": input_})
        return answer.totp_confirm

    async def me(self) -> MeResult | None:
        answer = await self.transport.execute(ME_DOCUMENT, {})
        return answer.viewer

    async def code_redeem(self, input_: CodeRedeemInput) -> CodeRedeemResult:
        answer = await self.transport.execute(CODE_REDEEM_DOCUMENT, {"input": input_})
        return answer.code_redeem

    async def tokens(
        self, first: int, after: str | UnsetType | None = UNSET, filter_: TokenFilter | UnsetType | None = UNSET
    ) -> TokensResult:
        answer = await self.transport.execute(TOKENS_DOCUMENT, {"first": first, "after": after, "filter": filter_})
        return answer.tokens

    async def token_create(self, input_: TokenCreateInput) -> TokenCreateResult:
        answer = await self.transport.execute(TOKEN_CREATE_DOCUMENT, {"input": input_})
        return answer.token_create

    async def request_logs(
        self, first: int, filter_: RequestLogFilter, after: str | UnsetType | None = UNSET
    ) -> RequestLogsResult:
        answer = await self.transport.execute(
            REQUEST_LOGS_DOCUMENT, {"first": first, "filter": filter_, "after": after}
        )
        return answer.request_logs

    async def request_log_tail(
        self, filter_: RequestLogTailFilter | UnsetType | None = UNSET
    ) -> AsyncGenerator[RequestLogTailResult]:
        async for answer in self.transport.follow(REQUEST_LOG_TAIL_DOCUMENT, {"filter": filter_}):
            yield answer.request_log_tail

    async def balance_changed(self) -> AsyncGenerator[Money]:
        async for answer in self.transport.follow(BALANCE_CHANGED_DOCUMENT, {}):
            yield answer.balance_changed

    async def request_log_export_url(self, filter_: RequestLogFilter, format_: ExportFormat) -> str:
        answer = await self.transport.execute(REQUEST_LOG_EXPORT_URL_DOCUMENT, {"filter": filter_, "format": format_})
        return answer.request_log_export_url

    async def ledger_entries(
        self, first: int, filter_: LedgerEntryFilter | UnsetType | None = UNSET
    ) -> LedgerEntriesResult:
        answer = await self.transport.execute(LEDGER_ENTRIES_DOCUMENT, {"first": first, "filter": filter_})
        return answer.ledger_entries

    async def config(self) -> Configuration:
        answer = await self.transport.execute(CONFIG_DOCUMENT, {})
        return answer.config

    async def reload(self, input_: ReloadInput) -> ReloadResult:
        answer = await self.transport.execute(RELOAD_DOCUMENT, {"input": input_})
        return answer.reload

    async def plan(self, input_: PlanInput) -> PlanResult:
        answer = await self.transport.execute(PLAN_DOCUMENT, {"input": input_})
        return answer.plan

    async def channel(self, name: str) -> ChannelResult | None:
        answer = await self.transport.execute(CHANNEL_DOCUMENT, {"name": name})
        return answer.channel

    async def channel_override(self, input_: ChannelOverrideInput) -> ChannelOverrideResult:
        answer = await self.transport.execute(CHANNEL_OVERRIDE_DOCUMENT, {"input": input_})
        return answer.channel_override

    async def channel_override_drop(self, input_: ChannelOverrideDropInput) -> ChannelOverrideDropResult:
        answer = await self.transport.execute(CHANNEL_OVERRIDE_DROP_DOCUMENT, {"input": input_})
        return answer.channel_override_drop

    async def explain_request(self, id_: str) -> ExplainRequestResult | None:
        answer = await self.transport.execute(EXPLAIN_REQUEST_DOCUMENT, {"id": id_})
        return answer.explain_request

    async def rollback(self, input_: RollbackInput) -> RollbackResult:
        answer = await self.transport.execute(ROLLBACK_DOCUMENT, {"input": input_})
        return answer.rollback

    async def rollback_lift(self, input_: RollbackLiftInput) -> RollbackLiftResult:
        answer = await self.transport.execute(ROLLBACK_LIFT_DOCUMENT, {"input": input_})
        return answer.rollback_lift

    async def code_batch_create(self, input_: CodeBatchCreateInput) -> CodeBatchCreateResult:
        answer = await self.transport.execute(CODE_BATCH_CREATE_DOCUMENT, {"input": input_})
        return answer.code_batch_create

    async def revision_changed(self) -> AsyncGenerator[Configuration]:
        async for answer in self.transport.follow(REVISION_CHANGED_DOCUMENT, {}):
            yield answer.revision_changed
