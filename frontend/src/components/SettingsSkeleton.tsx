/** The outline of the settings page while it is not known who is signed in. */
import Outline from './Outline';

export default function SettingsSkeleton() {
  return (
    <Outline className="grid max-w-[46rem] gap-4">
      <div className="skel h-7 w-48" />
      <div className="card skel h-[34rem]" />
      <div className="card skel h-96" />
      <div className="card skel h-80" />
    </Outline>
  );
}
