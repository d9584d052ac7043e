/** What stands below a metric's chart: what its lines and marks mean, and what happened meanwhile. */
import { useState } from 'react';
import type { ChartEvent } from '../lib/chart-events';
import type { Past } from './useMetricPast';

const FIRST_EVENTS = 4;
const MARKS = { dispute: 'Disputes', missed_payout: 'Missed payouts' } as const;

export function Legend({ rangeLabel, open, past }: { rangeLabel: string; open: boolean; past: Past }) {
  return (
    <ul className="flex flex-wrap gap-x-5 gap-y-1 text-sm text-muted">
      <li className="flex items-center gap-2">
        <svg width="22" height="8" aria-hidden="true">
          <path d="M0 4h22" stroke="var(--accent)" strokeWidth="2" />
        </svg>
        These {rangeLabel}
      </li>
      {past.before.length > 0 && (
        <li className="flex items-center gap-2">
          <svg width="22" height="8" aria-hidden="true">
            <path d="M0 4h22" stroke="var(--edge)" strokeWidth="1.5" strokeDasharray="5 4" />
          </svg>
          The {rangeLabel} before
        </li>
      )}
      {open && (
        <li className="flex items-center gap-2">
          <svg width="22" height="8" aria-hidden="true">
            <path d="M0 4h22" stroke="var(--accent)" strokeWidth="2" strokeDasharray="3 4" />
          </svg>
          Not over yet
        </li>
      )}
      {past.events.length > 0 && (
        <li className="flex items-center gap-2">
          <svg width="10" height="10" aria-hidden="true">
            <circle cx="5" cy="5" r="4" fill="var(--warn)" />
          </svg>
          {[...new Set(past.events.map(({ kind }) => MARKS[kind]))].join(', ')}
        </li>
      )}
    </ul>
  );
}

export function Events({ events }: { events: readonly ChartEvent[] }) {
  const [all, setAll] = useState(false);
  if (events.length === 0) return null;
  const shown = all ? events : events.slice(0, FIRST_EVENTS);
  return (
    <div className="border-t border-line pt-3">
      <h3 className="text-sm font-medium">What happened</h3>
      <ul className="mt-1 grid gap-1 text-sm">
        {shown.map((event) => (
          <li key={event.when + event.text} className="grid gap-x-4 sm:grid-cols-[14rem_1fr]">
            <span className="text-muted">{event.when}</span>
            <span>{event.text}</span>
          </li>
        ))}
      </ul>
      {events.length > FIRST_EVENTS && (
        <button type="button" className="link no-print mt-2 min-h-9 text-sm" onClick={() => setAll(!all)}>
          {all ? 'Show the latest only' : `Show all ${events.length}`}
        </button>
      )}
    </div>
  );
}
