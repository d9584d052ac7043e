/** The shapes of the HTTP contract that the site uses. */

export type Role = 'owner' | 'admin' | 'viewer';
export type Industry =
  | 'retail'
  | 'ecommerce'
  | 'software'
  | 'services'
  | 'food_and_beverage'
  | 'health'
  | 'education'
  | 'manufacturing'
  | 'construction'
  | 'hospitality'
  | 'transport'
  | 'media'
  | 'nonprofit'
  | 'other';
export type Tier = 'not_ready' | 'improving' | 'funding_ready' | 'highly_attractive';
export type Trend = 'improving' | 'stable' | 'declining';

export interface User {
  id: string;
  email: string;
  name: string;
  avatar_url: string | null;
  created_at: string;
}
export interface Session {
  user: User;
  token: string;
}
export interface Membership {
  id: string;
  name: string;
  role: Role;
}
export interface CurrentUser {
  id: string;
  email: string;
  name: string;
  avatar_url: string | null;
  businesses: Membership[];
}
export interface BusinessCreate {
  name: string;
  legal_entity?: string;
  industry?: Industry;
  revenue_estimate?: number;
  founded_at?: string;
}
export interface Business {
  id: string;
  name: string;
}
export interface StripeStatus {
  connected: boolean;
  account_id?: string | null;
  last_synced_at?: string | null;
  livemode?: boolean | null;
  sync?: {
    phase: 'recent' | 'history' | 'idle';
    percent: number;
    objects: number;
    started_at: string | null;
  } | null;
  error?: string | null;
}
export interface MetricDetails {
  samples?: Record<string, number>;
  low_sample?: string[];
  not_measured?: Record<string, string>;
  net_volume?: number | null;
  [name: string]: unknown;
}
export interface Metrics {
  business_id: string;
  period_start: string;
  period_end: string;
  currency: string | null;
  revenue_total: number | null;
  revenue_volatility: number | null;
  revenue_trend: 'increasing' | 'stable' | 'declining' | null;
  chargeback_count: number | null;
  chargeback_ratio: number | null;
  refund_count: number | null;
  refund_ratio: number | null;
  payout_reliability: number | null;
  transaction_count: number | null;
  average_transaction_size: number | null;
  mrr: number | null;
  details: MetricDetails;
  computed_at: string;
  stale: boolean;
}
export type Unit = 'ratio' | 'money' | 'count' | 'trend' | 'state' | 'days';
export interface Rule {
  key: string;
  label: string;
  group: 'seed' | 'extra';
  value: number | string | null;
  unit: Unit;
  currency: string | null;
  sample: number | null;
  points: number;
  best_points: number;
  worst_points: number;
  band: string | null;
  effect: 'helps' | 'hurts' | 'neutral' | 'not_measured';
  reason: string | null;
  sentence: string;
}
export interface Readiness {
  business_id: string;
  score: number;
  tier: Tier;
  tier_label: string;
  trend: Trend | null;
  provisional: boolean;
  components: {
    revenue_stability: number | null;
    risk_signals: number | null;
    payout_reliability: number | null;
    rules: Rule[];
  };
  seed_score: number;
  confidence: { low: number; high: number };
  formula_version: string;
  created_at: string;
}
export interface ErrorEnvelope {
  error: {
    code: string;
    message: string;
    details: { field?: string; reason?: string } & Record<string, unknown>;
    request_id: string;
  };
}

/** The endpoints, in the form openapi-fetch reads. */
type Answer<Body> = { content: { 'application/json': Body } };
type Operation<Ok, Body = never, Query = never> = {
  parameters: { query?: Query };
  requestBody?: [Body] extends [never] ? never : { content: { 'application/json': Body } };
  responses: { 200: Answer<Ok>; default: Answer<ErrorEnvelope> };
};
type Scope = { business_id?: string };
export interface paths {
  '/auth/signup': { post: Operation<Session, { email: string; password: string; name: string }> };
  '/auth/login': { post: Operation<Session, { email: string; password: string }> };
  '/auth/me': { get: Operation<CurrentUser> };
  '/users/businesses': { post: Operation<Business, BusinessCreate> };
  '/integrations/stripe/connect': { get: Operation<{ url: string }, never, Scope> };
  '/integrations/stripe/status': { get: Operation<StripeStatus, never, Scope> };
  '/metrics': { get: Operation<Metrics, never, Scope> };
  '/readiness': { get: Operation<Readiness, never, Scope> };
}
