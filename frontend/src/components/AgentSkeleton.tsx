/** The assistant's page while it loads, in the sizes of what will stand there. */
import Outline from './Outline';

export default function AgentSkeleton() {
  return (
    <Outline className="grid gap-8 xl:grid-cols-[minmax(0,46rem)_16rem] xl:justify-between">
      <div className="flex min-h-[calc(100dvh-11.5rem)] flex-col md:min-h-[calc(100dvh-9rem)]">
        <div className="skel -mt-3 h-5 w-40" />
        <div className="skel mt-12 h-7 w-72 max-w-full" />
        <div className="skel mt-4 h-5 w-full max-w-xl" />
        <div className="skel mt-2 h-5 w-2/3" />
        <div className="skel mt-auto h-20 w-full" />
      </div>
      <div className="hidden content-start gap-2 xl:grid">
        <div className="skel h-11 w-full" />
        <div className="skel h-10 w-full" />
        <div className="skel h-10 w-full" />
      </div>
    </Outline>
  );
}
