/** Chooses among several businesses; with a single one it only shows its name. */
interface Props {
  businesses: { id: string; name: string }[];
  /** Empty until one is chosen. */
  currentId: string;
  onChange: (id: string) => void;
}

export default function BusinessSelector({ businesses, currentId, onChange }: Props) {
  if (businesses.length < 2) {
    return <p className="truncate text-sm font-medium">{businesses[0]?.name ?? ''}</p>;
  }
  return (
    <label className="block min-w-0">
      <span className="sr-only">Business</span>
      <select
        value={currentId}
        onChange={(event) => onChange(event.target.value)}
        className="field w-full truncate py-1.5 text-sm font-medium"
      >
        {currentId === '' && <option value="">Choose a business</option>}
        {businesses.map((business) => (
          <option key={business.id} value={business.id}>
            {business.name}
          </option>
        ))}
      </select>
    </label>
  );
}
