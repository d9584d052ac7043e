/** The overview's outline while it loads, in the sizes of what will stand there. */
import { TILE_KEYS } from '../lib/metrics';
import Outline, { FreshnessOutline, LinesOutline } from './Outline';

export default function OverviewSkeleton() {
  return (
    <Outline className="grid gap-5">
      <FreshnessOutline />
      <div className="card @container p-5 sm:p-6">
        <div className="grid items-center gap-6 @2xl:grid-cols-[minmax(230px,300px)_1fr] @2xl:gap-10">
          <div className="skel mx-auto h-[210px] w-full max-w-[300px]" />
          <div className="grid gap-3">
            <div className="skel h-6 w-11/12" />
            <div className="skel h-6 w-2/3" />
            <div className="skel mt-2 h-20 w-full" />
            <div className="skel mt-2 h-10 w-full" />
          </div>
        </div>
      </div>
      <RestSkeleton />
    </Outline>
  );
}

/** What stands below the score. */
export function RestSkeleton() {
  return (
    <>
      <div className="card h-[420px] p-5 sm:p-6">
        <div className="skel h-5 w-48" />
        <div className="mt-6 grid gap-6">
          <LinesOutline count={5} className="h-9" />
        </div>
      </div>
      <div className="grid grid-cols-2 gap-3 sm:gap-4 xl:grid-cols-3">
        {TILE_KEYS.map((key) => (
          <div key={key} className="card h-[200px] p-4">
            <div className="skel h-4 w-24" />
            <div className="skel mt-4 h-7 w-28 max-w-full" />
            <div className="skel mt-4 h-4 w-full" />
          </div>
        ))}
      </div>
    </>
  );
}
