/** Minimums that lenders publish, beside the business's own numbers: information with sources, not offers. */
import { memo } from 'react';
import { formatDay, plural, withoutLabel } from '../lib/format';
import type { Criterion } from '../lib/types';

const STATUS: Record<Criterion['status'], { label: string; tone: string }> = {
  met: { label: 'Met', tone: '' },
  not_met: { label: 'Not met', tone: 'tag-warn' },
  not_measured: { label: 'Not measured', tone: 'tag-plain' },
  not_visible: { label: 'Not in Stripe', tone: 'tag-plain' },
};
const GRADES: Record<Criterion['grade'], string> = {
  lender: 'The lender says so',
  third_party: 'A third party says so',
  unconfirmed: 'One article says so; nobody confirmed it',
};

function LenderMinimums({ criteria, note }: { criteria: Criterion[]; note: string }) {
  const lenders = Map.groupBy(criteria, (criterion) => criterion.lender);
  const compared = criteria.filter(({ status }) => status === 'met' || status === 'not_met');
  const met = compared.filter(({ status }) => status === 'met').length;
  return (
    <section className="card p-5 sm:p-6" aria-labelledby="lenders">
      <h2 id="lenders" className="font-semibold">
        What lenders publish
      </h2>
      <p className="mt-1 max-w-3xl text-sm text-muted">{note}</p>
      <p className="mt-3 text-sm">
        Of {plural(compared.length, 'minimum')} that your Stripe data can be compared with, you meet{' '}
        <span className="font-medium">{met}</span>.
      </p>
      <ul className="mt-2 divide-y divide-line">
        {[...lenders].map(([lender, minimums]) => (
          <li key={lender}>
            <details className="py-1 text-sm">
              <summary className="rounded py-2">
                <span className="font-medium">{lender}</span>
                <span className="text-muted">, {tally(minimums)}</span>
              </summary>
              <ul className="mt-1 grid gap-3 pb-3">
                {minimums.map((criterion) => (
                  <li key={criterion.key} className="grid gap-x-4 gap-y-1 sm:grid-cols-[1fr_auto]">
                    <div className="min-w-0">
                      <p>{withoutLabel(criterion.sentence, criterion.lender)}</p>
                      <p className="mt-0.5 text-muted">
                        {GRADES[criterion.grade]}, read on {formatDay(criterion.as_of)}:{' '}
                        <a href={criterion.source} className="link" rel="noopener noreferrer" target="_blank">
                          {new URL(criterion.source).host}
                          <span className="sr-only">, opens in a new tab</span>
                        </a>
                      </p>
                    </div>
                    <p className="sm:text-right">
                      <span className={`tag whitespace-nowrap ${STATUS[criterion.status].tone}`}>
                        {STATUS[criterion.status].label}
                      </span>
                    </p>
                  </li>
                ))}
              </ul>
            </details>
          </li>
        ))}
      </ul>
    </section>
  );
}

export default memo(LenderMinimums);

/** "2 of 3 met, 1 not measured". */
function tally(minimums: Criterion[]): string {
  const count = (status: Criterion['status']) => minimums.filter((each) => each.status === status).length;
  const compared = count('met') + count('not_met');
  const parts = [
    compared > 0 && `${count('met')} of ${compared} met`,
    count('not_measured') > 0 && `${count('not_measured')} not measured`,
    count('not_visible') > 0 && `${count('not_visible')} not in Stripe's data`,
  ];
  return parts.filter(Boolean).join(', ');
}
