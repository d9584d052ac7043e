/** The history of all metrics as a file, for the days that are shown. */
import { useState } from 'react';
import { exportMetrics } from '../lib/api';
import { dayOf } from '../lib/chart-series';
import { saveFile } from '../lib/files';
import type { View } from '../lib/metrics-view';
import type { Membership } from '../lib/types';
import Icon from './Icon';
import type { Past } from './useMetricPast';

export default function ExportButton({ business, view, past }: { business: Membership; view: View; past: Past }) {
  const [state, setState] = useState<'idle' | 'busy' | 'failed'>('idle');
  const download = async () => {
    setState('busy');
    try {
      const window = { start_date: dayOf(past.from), end_date: dayOf(past.to), granularity: view.granularity };
      saveFile(await exportMetrics(business.id, window), `metrics-${window.start_date}-${window.end_date}.csv`);
      setState('idle');
    } catch {
      setState('failed');
    }
  };
  return (
    <>
      <button
        type="button"
        onClick={() => void download()}
        disabled={state === 'busy'}
        className="btn min-h-10 text-sm sm:ml-auto"
      >
        <Icon name="download" size={16} />
        CSV of all metrics
      </button>
      <p role="status" className={state === 'failed' ? 'w-full text-sm text-bad' : 'sr-only'}>
        {state === 'failed' && 'The file could not be made. Try again in a moment.'}
      </p>
    </>
  );
}
