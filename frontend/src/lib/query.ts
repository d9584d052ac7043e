/** The cache of server answers, one per page and shared by its islands; and how often each is read again. */
import { QueryClient } from '@tanstack/react-query';
import {
  ApiError,
  getChanges,
  getCriteria,
  getCurrentUser,
  getLatestMetrics,
  getMetricDefinitions,
  getMetricHistory,
  getPath,
  getReadinessScore,
  getRecommendations,
  getScoreHistory,
  getStripeStatus,
  type HistoryWindow,
} from './api';
import { $token, userOf } from './auth';

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      networkMode: 'always',
      refetchOnReconnect: 'always',
      retry: (failures, error) =>
        failures < 2 && error instanceof ApiError && (error.status === 0 || error.status >= 500),
    },
  },
});

// Without a provider above the islands nobody else does: from here on it hears of the connection and the focus.
queryClient.mount();

// Another tab may have signed in as somebody else. A renewed token of the same user changes nothing.
$token.listen((token, before) => {
  if (token && !(before && userOf(before) === userOf(token))) void queryClient.resetQueries();
});

/** Reading again: while Stripe's history arrives, while a computation is due, and at rest. */
export const POLL_SYNCING_MS = 2_000;
export const POLL_SETTLING_MS = 5_000;
export const POLL_IDLE_MS = 30_000;

/** Whether the API says that there is nothing computed yet, which is a state and not a failure. */
function isNoData(error: unknown): boolean {
  return error instanceof ApiError && error.code === 'NO_DATA';
}

export const currentUserQuery = { queryKey: ['me'], queryFn: getCurrentUser, staleTime: 60_000 };

export const statusQuery = (businessId: string) => ({
  queryKey: ['stripe-status', businessId],
  queryFn: () => getStripeStatus(businessId),
});

/** What each metric means and how it is computed; it changes only with a release. */
export const definitionsQuery = {
  queryKey: ['metric-definitions'],
  queryFn: getMetricDefinitions,
  staleTime: Number.POSITIVE_INFINITY,
};

/** The latest metrics; null before the first computation. */
export const metricsQuery = (businessId: string) => ({
  queryKey: ['metrics', businessId],
  queryFn: () => getLatestMetrics(businessId).catch(nullWhenNoData),
});

/** The latest score; null before the first computation. */
export const readinessQuery = (businessId: string) => ({
  queryKey: ['readiness', businessId],
  queryFn: () => getReadinessScore(businessId).catch(nullWhenNoData),
});

/** The metrics of the latest days, oldest first. */
export const historyQuery = (businessId: string) => ({
  queryKey: ['metric-history', businessId],
  queryFn: () => getMetricHistory(businessId),
  staleTime: 60_000,
});

/** The metrics of a window of days; what it says of days that are over does not change. */
export const pastQuery = (businessId: string, window: HistoryWindow) => ({
  queryKey: ['metric-history', businessId, window],
  queryFn: () => getMetricHistory(businessId, window),
  staleTime: 60_000,
});

/** The scores of the latest year, newest first. */
export const scoresQuery = (businessId: string) => ({
  queryKey: ['scores', businessId],
  queryFn: () => getScoreHistory(businessId),
  staleTime: 60_000,
});

/** What changed in 30 days; null before the first score. */
export const changesQuery = (businessId: string) => ({
  queryKey: ['changes', businessId],
  queryFn: () => getChanges(businessId).catch(nullWhenNoData),
});

/** What comes; null without a connection. */
export const pathQuery = (businessId: string) => ({
  queryKey: ['path', businessId],
  queryFn: () => getPath(businessId).catch(nullWhenNoData),
});

/** Lenders' published minimums; null before the first metrics. */
export const criteriaQuery = (businessId: string) => ({
  queryKey: ['criteria', businessId],
  queryFn: () => getCriteria(businessId).catch(nullWhenNoData),
});

export const recommendationsQuery = (businessId: string) => ({
  queryKey: ['recommendations', businessId],
  queryFn: () => getRecommendations(businessId),
});

function nullWhenNoData(error: unknown): null {
  if (isNoData(error)) return null;
  throw error;
}
