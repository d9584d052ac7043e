/** The API's shapes, generated from its OpenAPI document (`npm run types`), under the names the site uses. */
import type * as api from './schema';

export type { ErrorReply as ErrorEnvelope, Industry, paths } from './schema';
export type Business = api.BusinessReply;
export type BusinessCreate = api.NewBusiness;
export type CurrentUser = api.ProfileReply;
export type Definition = api.DefinitionReply;
export type Membership = api.BusinessMembershipReply;
export type Readiness = api.ReadinessReply;
export type Rule = api.RuleReply;
export type Session = api.SessionReply;
export type StripeStatus = api.StatusReply;

/** Of the details, what the site reads: the generated type's open end fits no object that could be written down. */
export type Metrics = Omit<api.MetricsReply, 'details'> & {
  details: {
    samples: Record<string, number>;
    low_sample: string[];
    not_measured: Record<string, string>;
    net_volume?: unknown;
  };
};
