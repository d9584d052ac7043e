/** The outline of the settings page while it is not known who is signed in. */
export default function SettingsSkeleton() {
  return (
    <div className="grid max-w-[46rem] gap-4" aria-busy="true">
      <p className="sr-only" role="status">
        Loading
      </p>
      <div className="skel h-7 w-48" />
      <div className="card skel h-[34rem]" />
      <div className="card skel h-96" />
      <div className="card skel h-80" />
    </div>
  );
}
