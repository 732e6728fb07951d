use pshmem::{Comm, Result, Shared};

fn main() -> Result<()> {
    let name = Shared::<String>::new(&Comm::solo(), 9)?;
    println!("{}", name.view());
    Ok(())
}
