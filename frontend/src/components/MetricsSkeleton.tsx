/** The metrics page's outline while it loads, in the sizes of what will stand there. */
const ROWS = [1, 2, 3, 4, 5, 6, 7, 8];

export default function MetricsSkeleton() {
  return (
    <div className="grid gap-5" aria-busy="true">
      <p className="sr-only" role="status">
        Loading
      </p>
      <div className="skel -mt-3 h-5 w-64 max-w-full" />
      <div className="card grid min-h-[640px] content-start gap-4 p-4 sm:p-6">
        <div className="skel h-11 w-56 max-w-full" />
        <div className="skel h-10 w-full max-w-xl" />
        <div className="skel h-16 w-64 max-w-full" />
        <div className="skel h-80 w-full" />
      </div>
      <div className="grid gap-4 xl:grid-cols-2">
        {['revenue', 'losses'].map((group) => (
          <div key={group} className="card grid gap-4 p-5">
            {ROWS.map((row) => (
              <div key={row} className="skel h-8 w-full" />
            ))}
          </div>
        ))}
      </div>
    </div>
  );
}
