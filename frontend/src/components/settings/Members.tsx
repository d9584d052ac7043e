/** Who belongs to a business and what they may do: changing it is up to owners, leaving to everybody. */
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import {
  changeRole,
  inviteMember,
  readAgain,
  removeMember,
  teamQuery,
  withdrawInvitation,
} from '../../lib/api-settings';
import { leaveBusiness } from '../../lib/business';
import { formatDate } from '../../lib/format';
import { currentUserQuery, queryClient } from '../../lib/query';
import type { CurrentUser, Invitation, Member, Membership, Role, Team } from '../../lib/types';
import ConfirmDialog from '../ConfirmDialog';
import ErrorCard from '../ErrorCard';
import { Form, Input, Select } from './Form';
import Loaded from './Loaded';
import Section from './Section';

const ROLES: Record<Role, string> = { viewer: 'Viewer', admin: 'Admin', owner: 'Owner' };

interface Props {
  membership: Membership;
  user: CurrentUser;
}

export default function Members({ membership, user }: Props) {
  const team = useQuery(teamQuery(membership.id), queryClient);
  return (
    <Section
      id="members"
      title="Members"
      intro="Viewers read. Admins also change the business and its connection. Owners also decide who belongs to it."
    >
      <Loaded query={team} what="The members" outline="h-40">
        {(known) => <People membership={membership} user={user} team={known} />}
      </Loaded>
    </Section>
  );
}

function People({ membership, user, team }: Props & { team: Team }) {
  const [leaving, setLeaving] = useState<Member | null>(null);
  const query = teamQuery(membership.id);
  const owns = membership.role === 'owner';
  const change = useMutation(
    {
      mutationFn: ({ member, role }: { member: Member; role: Role }) => changeRole(membership.id, member.user_id, role),
      onSuccess: async () => {
        await readAgain(queryClient, query);
        await readAgain(queryClient, currentUserQuery);
      },
    },
    queryClient,
  );
  const mine = leaving?.user_id === user.id;
  return (
    <>
      {change.error && (
        <div className="mb-4">
          <ErrorCard
            compact
            error={change.error}
            title="The role was not changed"
            onRetry={() => change.variables && change.mutate(change.variables)}
            busy={change.isPending}
          />
        </div>
      )}
      <ul className="divide-y divide-line border-y border-line">
        {team.members.map((member) => (
          <li key={member.user_id} className="flex flex-wrap items-center gap-x-4 gap-y-2 py-3">
            <p className="min-w-0 flex-[1_1_12rem]">
              <span className="font-medium">{member.name}</span>
              {member.user_id === user.id && <span className="text-muted"> (you)</span>}
              <span className="block text-sm text-muted">{member.email}</span>
            </p>
            {owns ? (
              <select
                aria-label={`Role of ${member.name}`}
                value={member.role}
                disabled={change.isPending}
                onChange={(event) => change.mutate({ member, role: event.target.value as Role })}
                className="field w-auto py-1.5 text-sm"
              >
                {Object.entries(ROLES).map(([role, label]) => (
                  <option key={role} value={role}>
                    {label}
                  </option>
                ))}
              </select>
            ) : (
              <span className="text-sm text-muted">{ROLES[member.role]}</span>
            )}
            {(owns || member.user_id === user.id) && (
              <button
                type="button"
                className="btn text-sm"
                onClick={() => setLeaving(member)}
                aria-label={member.user_id === user.id ? undefined : `Remove ${member.name}`}
              >
                {member.user_id === user.id ? 'Leave' : 'Remove'}
              </button>
            )}
          </li>
        ))}
      </ul>
      {owns && <Invitations membership={membership} invitations={team.invitations} />}
      {leaving && (
        <ConfirmDialog
          title={mine ? `Leave ${membership.name}?` : `Remove ${leaving.name}?`}
          verb={mine ? 'Leave' : 'Remove'}
          busy={mine ? 'Leaving' : 'Removing'}
          action={async () => {
            await removeMember(membership.id, leaving.user_id);
            if (mine) leaveBusiness();
            else await readAgain(queryClient, query);
          }}
          onClose={() => setLeaving(null)}
        >
          <p>
            {mine ? 'You can' : 'They can'} no longer open this business, and tokens made for it are worthless at once.
          </p>
        </ConfirmDialog>
      )}
    </>
  );
}

function Invitations({ membership, invitations }: { membership: Membership; invitations: Invitation[] }) {
  const query = teamQuery(membership.id);
  const withdraw = useMutation(
    {
      mutationFn: (invitationId: string) => withdrawInvitation(membership.id, invitationId),
      onSettled: () => readAgain(queryClient, query),
    },
    queryClient,
  );
  return (
    <>
      {invitations.length > 0 && (
        <>
          <h4 className="mt-6 text-sm font-medium">Invited</h4>
          {withdraw.error && (
            <div className="mt-3">
              <ErrorCard
                compact
                error={withdraw.error}
                title="The invitation was not taken back"
                onRetry={() => withdraw.variables && withdraw.mutate(withdraw.variables)}
                busy={withdraw.isPending}
              />
            </div>
          )}
          <ul className="mt-2 divide-y divide-line border-y border-line">
            {invitations.map((invitation) => (
              <li key={invitation.id} className="flex flex-wrap items-center gap-x-4 gap-y-2 py-3">
                <p className="min-w-0 flex-[1_1_12rem] text-sm">
                  {invitation.email}
                  <span className="block text-muted">
                    {ROLES[invitation.role]}, until {formatDate(invitation.expires_at)}
                  </span>
                </p>
                <button
                  type="button"
                  className="btn text-sm"
                  aria-label={`Take back the invitation of ${invitation.email}`}
                  disabled={withdraw.isPending}
                  onClick={() => withdraw.mutate(invitation.id)}
                >
                  Take back
                </button>
              </li>
            ))}
          </ul>
        </>
      )}
      <h4 className="mt-6 mb-3 text-sm font-medium">Invite somebody</h4>
      <Form
        label="Send invitation"
        busy="Sending"
        done="The invitation is on its way. It is good for a week."
        clear
        submit={async ({ email = '', role }) => {
          await inviteMember(membership.id, { email, role: role as Role });
          await readAgain(queryClient, query);
        }}
      >
        <div className="grid gap-5 sm:grid-cols-[minmax(0,1fr)_10rem]">
          <Input name="email" label="Their email" type="email" defaultValue="" required maxLength={254} />
          <Select name="role" label="Role" options={ROLES} defaultValue="viewer" />
        </div>
      </Form>
    </>
  );
}
