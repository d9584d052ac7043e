/** The recommendations' outline while they load, in the sizes of what will stand there. */
import Outline from './Outline';

export default function RecommendationsSkeleton() {
  return (
    <Outline className="grid gap-4">
      <div className="skel h-11 w-full max-w-xl rounded-[10px]" />
      {[1, 2, 3].map((row) => (
        <div key={row} className="card h-[290px] p-5 sm:p-6">
          <div className="skel h-6 w-64 max-w-full" />
          <div className="skel mt-3 h-4 w-48 max-w-full" />
          <div className="skel mt-5 h-20 w-full max-w-3xl" />
          <div className="skel mt-4 h-11 w-full max-w-3xl" />
        </div>
      ))}
    </Outline>
  );
}
