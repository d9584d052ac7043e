/** The metrics page's outline while it loads, in the sizes of what will stand there. */
import Outline, { FreshnessOutline, LinesOutline } from './Outline';

export default function MetricsSkeleton() {
  return (
    <Outline className="grid gap-5">
      <FreshnessOutline />
      <div className="card grid min-h-[640px] content-start gap-4 p-4 sm:p-6">
        <div className="skel h-11 w-56 max-w-full" />
        <div className="skel h-10 w-full max-w-xl" />
        <div className="skel h-16 w-64 max-w-full" />
        <div className="skel h-80 w-full" />
      </div>
      <ListSkeleton />
    </Outline>
  );
}

/** What stands below the chart. */
export function ListSkeleton() {
  return (
    <div className="grid gap-4 xl:grid-cols-2">
      {['revenue', 'losses'].map((group) => (
        <div key={group} className="card grid gap-4 p-5">
          <LinesOutline count={8} className="h-8" />
        </div>
      ))}
    </div>
  );
}
