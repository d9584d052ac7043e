/** The API client of the settings page: one's account and businesses, who belongs to them, and one's tokens. */
import type { QueryClient } from '@tanstack/react-query';
import { client, done, unwrap } from './api';
import type { Business, BusinessChanges, Invitation, Member, NewToken, Preferences, Role, Team, Token } from './types';

const ofBusiness = (businessId: string) => ({ params: { path: { business_id: businessId } } });

export const renameMe = (name: string): Promise<void> => done(client.PATCH('/users/me', { body: { name } }));

/** Everything held about the signed-in user, as the API words it. */
export const exportMyData = (): Promise<object> => unwrap(client.GET('/users/me/export'));

/** Deletes one's account for good; `confirm` is one's own email. */
export const deleteAccount = (confirm: string): Promise<void> =>
  done(client.DELETE('/users/me', { body: { confirm } }));

const getPreferences = (): Promise<Preferences> => unwrap(client.GET('/users/me/notifications'));

export const updatePreferences = (body: Partial<Preferences>): Promise<Preferences> =>
  unwrap(client.PATCH('/users/me/notifications', { body }));

const getBusiness = (businessId: string): Promise<Business> =>
  unwrap(client.GET('/users/businesses/{business_id}', ofBusiness(businessId)));

export const updateBusiness = (businessId: string, body: BusinessChanges): Promise<Business> =>
  unwrap(client.PATCH('/users/businesses/{business_id}', { ...ofBusiness(businessId), body }));

/** Deletes a business with all its data for good; `confirm` is its name. */
export const deleteBusiness = (businessId: string, confirm: string): Promise<void> =>
  done(client.DELETE('/users/businesses/{business_id}', { ...ofBusiness(businessId), body: { confirm } }));

/** Gives the Stripe access back; the figures so far stay. */
export const disconnectStripe = (businessId: string): Promise<void> =>
  done(client.DELETE('/integrations/stripe', { params: { query: { business_id: businessId } } }));

const getTeam = (businessId: string): Promise<Team> =>
  unwrap(client.GET('/users/businesses/{business_id}/members', ofBusiness(businessId)));

/** Mails an invitation that is good for a week. */
export const inviteMember = (businessId: string, body: { email: string; role: Role }): Promise<Invitation> =>
  unwrap(client.POST('/users/businesses/{business_id}/members', { ...ofBusiness(businessId), body }));

export const withdrawInvitation = (businessId: string, invitationId: string): Promise<void> =>
  done(
    client.DELETE('/users/businesses/{business_id}/invitations/{invitation_id}', {
      params: { path: { business_id: businessId, invitation_id: invitationId } },
    }),
  );

export const changeRole = (businessId: string, userId: string, role: Role): Promise<Member> =>
  unwrap(
    client.PATCH('/users/businesses/{business_id}/members/{user_id}', {
      params: { path: { business_id: businessId, user_id: userId } },
      body: { role },
    }),
  );

/** Ends a membership: an owner anybody's, everybody their own. */
export const removeMember = (businessId: string, userId: string): Promise<void> =>
  done(
    client.DELETE('/users/businesses/{business_id}/members/{user_id}', {
      params: { path: { business_id: businessId, user_id: userId } },
    }),
  );

const listTokens = (): Promise<Token[]> => unwrap(client.GET('/users/me/tokens')).then(({ tokens }) => tokens);

/** Makes a token for one's own assistant; this is the only time that it is told. */
export const createToken = (body: { name: string; business_id: string; expires_in_days: number }): Promise<NewToken> =>
  unwrap(client.POST('/users/me/tokens', { body }));

export const revokeToken = (tokenId: string): Promise<void> =>
  done(client.DELETE('/users/me/tokens/{token_id}', { params: { path: { token_id: tokenId } } }));

// --- Questions whose answers are kept ----------------------------------------------------------

export const preferencesQuery = { queryKey: ['preferences'], queryFn: getPreferences };
export const tokensQuery = { queryKey: ['tokens'], queryFn: listTokens };
export const businessQuery = (businessId: string) => ({
  queryKey: ['business', businessId],
  queryFn: () => getBusiness(businessId),
});
export const teamQuery = (businessId: string) => ({
  queryKey: ['team', businessId],
  queryFn: () => getTeam(businessId),
});

/** Has a kept answer read again, wherever it is shown. */
export const readAgain = (client: QueryClient, { queryKey }: { queryKey: readonly unknown[] }): Promise<void> =>
  client.invalidateQueries({ queryKey });
