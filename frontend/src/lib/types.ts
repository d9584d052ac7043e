/** The API's shapes, generated from its OpenAPI document (`npm run types`), under the names the site uses. */
import type * as api from './schema';

export type { ErrorReply as ErrorEnvelope, Industry, paths } from './schema';
export type Business = api.BusinessReply;
export type BusinessChanges = api.BusinessChanges;
export type BusinessCreate = api.NewBusiness;
export type Changes = api.ChangesReply;
export type Criterion = api.CriterionReply;
export type CurrentUser = api.ProfileReply;
export type DayScore = api.DayScoreReply;
export type Definition = api.DefinitionReply;
export type Decision = api.RecommendationDecision;
export type Evidence = api.EvidenceReply;
export type Invitation = Team['invitations'][number];
export type Member = Team['members'][number];
export type Membership = api.BusinessMembershipReply;
export type NewToken = api.NewTokenReply;
export type MovedObject = api.MovedObjectReply;
export type Conversation = api.ConversationReply;
export type ConversationWithMessages = api.ConversationWithMessagesReply;
export type PastMetrics = api.PastMetricsReply;
export type Path = api.PathReply;
export type Preferences = api.PreferencesReply;
export type Readiness = api.ReadinessReply;
export type Recommendation = api.RecommendationReply;
export type Role = api.Role;
export type Rule = api.RuleReply;
export type Session = api.SessionReply;
export type Simulation = api.SimulationReply;
export type StripeStatus = api.StatusReply;
export type Team = api.TeamReply;
export type Token = api.TokensReply['tokens'][number];

export type Bucket = api.BucketReply;

/** Of the details, what the site reads: the generated type's open end fits no object that could be written down. */
export type Metrics = Omit<api.MetricsReply, 'details'> & {
  details: {
    samples: Record<string, number>;
    low_sample: string[];
    not_measured: Record<string, string>;
    buckets: Bucket[];
    net_volume?: unknown;
  };
};
