/** Addresses of the dashboard's pages: each names its business, so that it can be shared and opened in another tab. */
export const overviewLink = (businessId: string) => `/dashboard/?${query(businessId)}`;
export const metricLink = (businessId: string, metric: string) =>
  `/dashboard/metrics/?${query(businessId, { metric })}`;
export const connectLink = (businessId: string) => `/onboarding/stripe-connect/?${query(businessId)}`;
export const adviceLink = (businessId: string) => `/dashboard/recommendations/?${query(businessId)}`;

/** One recommendation among all, whatever has become of it. */
export const recommendationLink = (businessId: string, id: string) =>
  `/dashboard/recommendations/?${query(businessId, { status: 'all' })}#r-${id}`;

function query(businessId: string, more: Record<string, string> = {}): string {
  return new URLSearchParams({ business_id: businessId, ...more }).toString();
}
