/** The settings of a business: what it is called, what it does, and its end. */
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { businessQuery, deleteBusiness, readAgain, updateBusiness } from '../../lib/api-settings';
import { leaveBusiness } from '../../lib/business';
import { INDUSTRIES } from '../../lib/industries';
import { currentUserQuery, queryClient } from '../../lib/query';
import type { Business, Industry, Membership } from '../../lib/types';
import ConfirmDialog from '../ConfirmDialog';
import { Form, Input, Select } from './Form';
import Loaded from './Loaded';
import Section from './Section';

export default function BusinessDetails({ membership }: { membership: Membership }) {
  const business = useQuery(businessQuery(membership.id), queryClient);
  return (
    <Section
      id="business"
      title="Business"
      intro="The industry and the rest put the figures in context and never change the score."
    >
      <Loaded query={business} what="The business" outline="h-[26rem]">
        {(known) => (membership.role === 'viewer' ? <Facts business={known} /> : <Details business={known} />)}
      </Loaded>
    </Section>
  );
}

function Details({ business }: { business: Business }) {
  const { queryKey } = businessQuery(business.id);
  return (
    <Form
      label="Save"
      busy="Saving"
      done="Saved."
      submit={async ({ name = '', legal_entity, industry, revenue_estimate, founded_at }) => {
        const saved = await updateBusiness(business.id, {
          name,
          legal_entity: legal_entity || null,
          industry: (industry || null) as Industry | null,
          revenue_estimate: revenue_estimate ? Number(revenue_estimate) : null,
          founded_at: founded_at || null,
        });
        queryClient.setQueryData(queryKey, saved);
        await readAgain(queryClient, currentUserQuery);
      }}
    >
      <Input
        name="name"
        label="Business name"
        defaultValue={business.name}
        required
        maxLength={200}
        autoComplete="organization"
      />
      <div className="grid gap-5 sm:grid-cols-2">
        <Select
          name="industry"
          label="Industry"
          options={{ '': 'Choose one', ...INDUSTRIES }}
          defaultValue={business.industry ?? ''}
        />
        <Input
          name="legal_entity"
          label="Legal form"
          defaultValue={business.legal_entity ?? ''}
          maxLength={200}
          placeholder="LLC, GmbH, sole trader"
        />
        <Input
          name="revenue_estimate"
          label="Yearly revenue, in US dollars"
          type="number"
          defaultValue={business.revenue_estimate?.toString() ?? ''}
        />
        <Input
          name="founded_at"
          label="Founded on"
          type="date"
          defaultValue={business.founded_at ?? ''}
          max={new Date().toISOString().slice(0, 10)}
        />
      </div>
    </Form>
  );
}

function Facts({ business }: { business: Business }) {
  const facts = [
    ['Name', business.name],
    ['Industry', business.industry && INDUSTRIES[business.industry]],
    ['Legal form', business.legal_entity],
  ];
  return (
    <>
      <dl className="grid gap-4 text-sm sm:grid-cols-3">
        {facts.map(([label, value]) => (
          <div key={label}>
            <dt className="text-muted">{label}</dt>
            <dd className="mt-0.5">{value ?? 'Not told'}</dd>
          </div>
        ))}
      </dl>
      <p className="notice mt-5">You may view this business. Changing it takes an owner or an admin.</p>
    </>
  );
}

export function DeleteBusiness({ membership }: { membership: Membership }) {
  const [asking, setAsking] = useState(false);
  return (
    <Section
      id="delete-business"
      title="Delete this business"
      intro="Its figures, scores and conversations are deleted, and its access to Stripe is given back. It cannot be taken back."
    >
      <button type="button" className="btn btn-danger" onClick={() => setAsking(true)}>
        Delete business
      </button>
      {asking && (
        <ConfirmDialog
          title="Delete this business?"
          verb="Delete it for good"
          busy="Deleting"
          typed={{ label: 'The name of the business', expected: membership.name }}
          action={async () => {
            await deleteBusiness(membership.id, membership.name);
            leaveBusiness();
          }}
          onClose={() => setAsking(false)}
        >
          <p>
            Everything that Vaultra holds about it is deleted at once, for all its members. Stripe keeps its own record.
          </p>
        </ConfirmDialog>
      )}
    </Section>
  );
}
