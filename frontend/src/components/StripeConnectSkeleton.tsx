/** The outline of the connection page while it loads. */
import Outline from './Outline';

export default function StripeConnectSkeleton() {
  return (
    <Outline className="card p-6">
      <div className="grid gap-5 sm:grid-cols-2">
        <div className="skel h-28" />
        <div className="skel h-28" />
      </div>
      <div className="skel mt-5 h-10" />
      <div className="skel mt-5 h-11 w-44 rounded-[10px]" />
    </Outline>
  );
}
