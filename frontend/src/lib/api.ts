/** The API client: one function per endpoint, and one kind of error. */
import createClient from 'openapi-fetch';
import { API_BASE } from './address';
import { getAuthHeaders, getToken, sendToLogin } from './auth';
import type {
  Business,
  BusinessCreate,
  Changes,
  Criterion,
  CurrentUser,
  DayScore,
  Decision,
  Definition,
  ErrorEnvelope,
  Membership,
  Metrics,
  PastMetrics,
  Path,
  paths,
  Readiness,
  Recommendation,
  Session,
  Simulation,
  StripeStatus,
} from './types';

const TIMEOUT_MS = 20_000;
/** A wrong password is a 401 too, and stays on its page; who signs out needs no telling that it is done. */
const OWN_401 = ['/auth/login', '/auth/logout'];

/** What went wrong, in the words of the API's error envelope. `status` 0 means no answer came. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly requestId: string | null = null,
    readonly field: string | null = null,
    readonly reason: string | null = null,
    readonly retryAfterSeconds: number | null = null,
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

/** The door to the API: what each function here and in `api-settings.ts` calls through. */
export const client = createClient<paths>({
  baseUrl: API_BASE,
  fetch: (request) => globalThis.fetch(request, { signal: AbortSignal.timeout(TIMEOUT_MS) }),
});

client.use({
  onRequest({ request }) {
    if (request.headers.has('Authorization')) return request;
    for (const [name, value] of Object.entries(getAuthHeaders())) request.headers.set(name, value);
    return request;
  },
  onResponse({ request, response, schemaPath }) {
    // Of a token that was replaced meanwhile it says nothing.
    const current = request.headers.get('Authorization') === `Bearer ${getToken()}`;
    if (response.status === 401 && current && !OWN_401.includes(schemaPath)) sendToLogin('expired');
    return response;
  },
});

function isEnvelope(body: unknown): body is ErrorEnvelope {
  return typeof (body as ErrorEnvelope | null)?.error?.message === 'string';
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

export function toApiError(body: unknown, response: Response): ApiError {
  const wait = Number(response.headers.get('Retry-After')) || null;
  const id = response.headers.get('X-Request-Id');
  if (!isEnvelope(body)) {
    return new ApiError(response.status, 'UNEXPECTED', 'The server gave an answer we do not understand.', id);
  }
  const { code, message, details, request_id } = body.error;
  return new ApiError(
    response.status,
    code,
    message,
    request_id ?? id,
    text(details?.field),
    text(details?.reason),
    wait,
  );
}

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

async function answer<T>(call: Promise<Answer<T>>): Promise<Answer<T>> {
  let result: Answer<T>;
  try {
    result = await call;
  } catch (cause) {
    if (cause instanceof SyntaxError) {
      throw new ApiError(502, 'UNEXPECTED', 'The server gave an answer we do not understand.');
    }
    throw new ApiError(0, 'NO_ANSWER', 'Vaultra could not be reached. Check your connection and try again.');
  }
  if (!result.response.ok) throw toApiError(result.error, result.response);
  return result;
}

/** The body of an answer; raises ApiError for any that is no success. */
export async function unwrap<T>(call: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await answer(call);
  if (data === undefined) throw toApiError(error, response);
  return data;
}

/** For what answers with nothing but success. */
export async function done(call: Promise<Answer<unknown>>): Promise<void> {
  await answer(call);
}

export const signup = (body: { email: string; password: string; name: string }): Promise<Session> =>
  unwrap(client.POST('/auth/signup', { body }));

export const login = (body: { email: string; password: string }): Promise<Session> =>
  unwrap(client.POST('/auth/login', { body }));

const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

/** A token in place of this one, which is good for another minute. */
export const refreshToken = (token: string): Promise<{ token: string }> =>
  unwrap(client.POST('/auth/refresh', { headers: bearer(token) }));

/** Ends a token's session at the API. It is sent even when the page goes away. */
export const logout = (token: string): Promise<void> =>
  done(client.POST('/auth/logout', { headers: bearer(token), keepalive: true }));

/** Has a link mailed to whoever has this address; it never says whether somebody has. */
export const requestPasswordReset = (email: string): Promise<void> =>
  done(client.POST('/auth/password/forgot', { body: { email } }));

/** Sets a new password with the token of a mailed link, and ends all sessions of its user. */
export const resetPassword = (body: { token: string; password: string }): Promise<void> =>
  done(client.POST('/auth/password/reset', { body }));

/** Joins the business that a mailed invitation names. */
export const acceptInvitation = (token: string): Promise<Membership> =>
  unwrap(client.POST('/users/invitations/accept', { body: { token } }));

/** Ends the mails that the token of a mailed link is about; tells which. */
export const unsubscribe = (token: string): Promise<'digest' | 'alerts'> =>
  unwrap(client.POST('/users/unsubscribe', { params: { query: { token } } })).then(({ ended }) => ended);

export const getCurrentUser = (): Promise<CurrentUser> => unwrap(client.GET('/auth/me'));

/** Lets mails come at this person's own morning. Not worth an error: without it they come at UTC's. */
export const rememberTimeZone = (): Promise<void> =>
  done(
    client.PATCH('/users/me/notifications', {
      body: { time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone },
    }),
  ).catch(() => undefined);

export const createBusiness = (body: BusinessCreate): Promise<Business> =>
  unwrap(client.POST('/users/businesses', { body }));

export const getLatestMetrics = (businessId: string): Promise<Metrics> =>
  unwrap(client.GET('/metrics', { params: { query: { business_id: businessId } } }));

export const getMetricDefinitions = (): Promise<Definition[]> =>
  unwrap(client.GET('/metrics/definitions')).then(({ metrics }) => metrics);

export const getReadinessScore = (businessId: string): Promise<Readiness> =>
  unwrap(client.GET('/readiness', { params: { query: { business_id: businessId } } }));

/** Which days of the metrics' history, both ends included, and how many of them. */
export interface HistoryWindow {
  start_date: string;
  end_date: string;
  granularity: 'day' | 'week' | 'month';
}

/** The metrics a business had, oldest first; of the latest 90 days when no days are named. */
export const getMetricHistory = (businessId: string, window?: HistoryWindow): Promise<PastMetrics[]> =>
  unwrap(client.GET('/metrics/history', { params: { query: { business_id: businessId, ...window } } })).then(
    ({ metrics }) => metrics,
  );

/** The same history as a file for a spreadsheet. */
export const exportMetrics = (businessId: string, window: HistoryWindow): Promise<Blob> =>
  unwrap(
    client.GET('/metrics/export', {
      params: { query: { business_id: businessId, ...window, format: 'csv' } },
      parseAs: 'blob',
    }) as Promise<Answer<Blob>>,
  );

/** The score with which each of the latest days ended, newest first; at most a year of them. */
export const getScoreHistory = (businessId: string): Promise<DayScore[]> =>
  unwrap(client.GET('/readiness/history', { params: { query: { business_id: businessId, limit: 366 } } })).then(
    ({ scores }) => scores,
  );

/** What changed in the last 30 days, or since the first score. */
export const getChanges = (businessId: string): Promise<Changes> =>
  unwrap(client.GET('/readiness/changes', { params: { query: { business_id: businessId } } }));

/** The way to the next tier, and what the coming 90 days bring by themselves. */
export const getPath = (businessId: string): Promise<Path> =>
  unwrap(client.GET('/readiness/path', { params: { query: { business_id: businessId } } }));

/** Minimums that lenders publish, beside the business's own numbers. */
export const getCriteria = (businessId: string): Promise<{ criteria: Criterion[]; note: string }> =>
  unwrap(client.GET('/readiness/criteria', { params: { query: { business_id: businessId } } }));

/** The score that other metrics would give, by the same engine; nothing is stored. */
export const simulateReadiness = (
  businessId: string,
  changes: Record<string, number | string>,
  signal?: AbortSignal,
): Promise<Simulation> =>
  unwrap(client.POST('/readiness/simulate', { body: { business_id: businessId, changes }, signal }));

/** At most the 200 weightiest: a business never has that many that still stand. */
export const getRecommendations = (businessId: string): Promise<Recommendation[]> =>
  unwrap(client.GET('/recommendations', { params: { query: { business_id: businessId, limit: 200 } } })).then(
    ({ recommendations }) => recommendations,
  );

/** Accepts a recommendation, takes that back (`pending`), or dismisses it with a reason. */
export const updateRecommendationStatus = (
  id: string,
  status: Decision['status'],
  reason: string | null = null,
): Promise<Recommendation> =>
  unwrap(
    client.PATCH('/recommendations/{recommendation_id}', {
      params: { path: { recommendation_id: id } },
      body: { status, reason },
    }),
  );

/** Has Stripe read now; it is done some seconds later. */
export const syncNow = (businessId: string): Promise<void> =>
  done(client.POST('/integrations/stripe/sync', { params: { query: { business_id: businessId } } }));

export const getStripeStatus = (businessId: string): Promise<StripeStatus> =>
  unwrap(client.GET('/integrations/stripe/status', { params: { query: { business_id: businessId } } }));

/** Connects by a restricted key; Stripe is asked about it meanwhile, which takes some seconds. */
export const connectWithKey = (businessId: string, key: string): Promise<StripeStatus> =>
  unwrap(client.POST('/integrations/stripe/key', { body: { business_id: businessId, restricted_key: key } }));

/** The address of Stripe's consent page; the caller sends the browser there. */
export const initiateStripeConnect = (businessId: string): Promise<{ url: string }> =>
  unwrap(
    client.GET('/integrations/stripe/connect', {
      params: { query: { business_id: businessId } },
      headers: { Accept: 'application/json' },
    }),
  );
