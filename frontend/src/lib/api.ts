/** The API client: one function per endpoint, and one kind of error. */
import createClient from 'openapi-fetch';
import { getAuthHeaders, getToken, sendToLogin } from './auth';
import type {
  Business,
  BusinessCreate,
  CurrentUser,
  Definition,
  ErrorEnvelope,
  Metrics,
  paths,
  Readiness,
  Session,
  StripeStatus,
} from './types';

const API_BASE: string = import.meta.env.PUBLIC_API_URL ?? '/api/v1';
const TIMEOUT_MS = 20_000;

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

const client = createClient<paths>({
  baseUrl: API_BASE,
  fetch: (request) => globalThis.fetch(request, { signal: AbortSignal.timeout(TIMEOUT_MS) }),
});

client.use({
  onRequest({ request }) {
    for (const [name, value] of Object.entries(getAuthHeaders())) request.headers.set(name, value);
    return request;
  },
  onResponse({ response, schemaPath }) {
    // A wrong password is a 401 too, and stays on its page.
    if (response.status === 401 && getToken() && schemaPath !== '/auth/login') sendToLogin('expired');
    return response;
  },
});

function isEnvelope(body: unknown): body is ErrorEnvelope {
  return typeof (body as ErrorEnvelope | null)?.error?.message === 'string';
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function toApiError(body: unknown, response: Response): ApiError {
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

async function unwrap<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  let result: Awaited<typeof call>;
  try {
    result = await call;
  } catch (cause) {
    if (cause instanceof SyntaxError) {
      throw new ApiError(502, 'UNEXPECTED', 'The server gave an answer we do not understand.');
    }
    throw new ApiError(0, 'NO_ANSWER', 'Vaultra could not be reached. Check your connection and try again.');
  }
  if (!result.response.ok || result.data === undefined) throw toApiError(result.error, result.response);
  return result.data;
}

export const signup = (body: { email: string; password: string; name: string }): Promise<Session> =>
  unwrap(client.POST('/auth/signup', { body }));

export const login = (body: { email: string; password: string }): Promise<Session> =>
  unwrap(client.POST('/auth/login', { body }));

export const getCurrentUser = (): Promise<CurrentUser> => unwrap(client.GET('/auth/me'));

export const createBusiness = (body: BusinessCreate): Promise<Business> =>
  unwrap(client.POST('/users/businesses', { body }));

export const getLatestMetrics = (businessId: string): Promise<Metrics> =>
  unwrap(client.GET('/metrics', { params: { query: { business_id: businessId } } }));

export const getMetricDefinitions = (): Promise<Definition[]> =>
  unwrap(client.GET('/metrics/definitions')).then(({ metrics }) => metrics);

export const getReadinessScore = (businessId: string): Promise<Readiness> =>
  unwrap(client.GET('/readiness', { params: { query: { business_id: businessId } } }));

export const getStripeStatus = (businessId: string): Promise<StripeStatus> =>
  unwrap(client.GET('/integrations/stripe/status', { params: { query: { business_id: businessId } } }));

/** The address of Stripe's consent page; the caller sends the browser there. */
export const initiateStripeConnect = (businessId: string): Promise<{ url: string }> =>
  unwrap(
    client.GET('/integrations/stripe/connect', {
      params: { query: { business_id: businessId } },
      headers: { Accept: 'application/json' },
    }),
  );
